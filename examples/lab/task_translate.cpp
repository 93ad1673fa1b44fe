// translate: English phrases into French, word by word of the grammar in grammar_rules.h.
//
//   source  the cat sat on the mat           target  le chat s'assit sur le tapis
//   source  my big black dogs follow a girl  target  mes grands chiens noirs suivent une fille
//
// Articles and adjectives take gender and number from a noun that comes later, verbs their number
// from a noun that may be far back, colours change places with their noun, and some nouns are two
// or three words in French. The gold links are known from the grammar; no model is shown them.
//
// "the cat sat on the mat" is never trained on: by decree it belongs to the test split, as its
// number 0. The longer examples are two phrases joined by "and", with more words than any one
// phrase has. The whole is held out, though either phrase alone may have been trained on; "and" is
// in no ordinary phrase, so what it means cannot have been learned.
#include <algorithm>

#include "examples/lab/grammar.h"
#include "examples/lab/task_kinds.h"

namespace qkv::examples {
namespace {

constexpr const char* kOrdinary = "phrase";
constexpr const char* kLonger = "two-phrases";

const Words& english_words() {
  static const Words words = phrase_grammar().english_words(kLonger);
  return words;
}

const Words& french_words() {
  static const Words words = phrase_grammar().french_words(kLonger);
  return words;
}

int64_t longest_phrase() {
  static const int64_t longest = phrase_grammar().facts(kOrdinary).longest_english;
  return longest;
}

// A word's symbol is its place in the vocabulary, which is sorted.
Sequence symbols_of(const Words& words, const Words& vocabulary) {
  Sequence symbols;
  for (const std::string& word : words) {
    symbols.push_back(std::lower_bound(vocabulary.begin(), vocabulary.end(), word) -
                      vocabulary.begin());
  }
  return symbols;
}

Example example_of(const Phrase& phrase) {
  return {.source = symbols_of(phrase.english, english_words()),
          .target = symbols_of(phrase.french, french_words()),
          .links = phrase.links};
}

void prepare(Task& task) {
  const PhraseFacts ordinary = phrase_grammar().facts(kOrdinary);
  const PhraseFacts longer = phrase_grammar().facts(kLonger);
  task.source_symbols = static_cast<int64_t>(english_words().size());
  task.target_symbols = static_cast<int64_t>(french_words().size());
  task.ordinary = {.source = ordinary.longest_english, .target = ordinary.longest_french};
  task.longer = {.source = longer.longest_english, .target = longer.longest_french};
  task.min_length = 1;
  task.length = task.train_length = task.ordinary.source;
  task.symbols = task.source_symbols;
}

Example draw(const Task& /*task*/, bool longer, lib::Generator& generator) {
  while (true) {
    const Phrase phrase = phrase_grammar().draw(longer ? kLonger : kOrdinary, generator);
    if (!longer || static_cast<int64_t>(phrase.english.size()) > longest_phrase()) {
      return example_of(phrase);
    }
  }
}

Example the_cat() {
  return example_of(phrase_grammar().parse(kOrdinary, words_of("the cat sat on the mat")).at(0));
}

Split split(const Example& example) {
  static const Sequence cat = the_cat().source;
  return example.source == cat ? Split::test : split_of(example.source);
}

std::string english_label(const Task& /*task*/, int64_t symbol) {
  return english_words()[static_cast<size_t>(symbol)];
}

std::string french_label(const Task& /*task*/, int64_t symbol) {
  return french_words()[static_cast<size_t>(symbol)];
}

}  // namespace

const TaskKind kTranslate = {
    .name = "translate",
    .description = "English into French: the black cat sleeps -> le chat noir dort",
    .separator = " ",
    .prepare = prepare,
    .draw = draw,
    .split = split,
    .source_label = english_label,
    .target_label = french_label,
    .first_test = the_cat};

}  // namespace qkv::examples
