// text: lines of English, character by character. There is no source, and the target is the line.
//
//   target  the good dogs under the table sleep.
//
// To know the letter after "sleep" one must remember the s of "dogs", more than twenty characters
// before: an n-gram cannot. A line is a phrase of the grammar in grammar_rules.h, and . or ! after
// it. The longer examples are two phrases, joined by ", and ", of more words than any single line;
// the comma is in no ordinary line, so no model can know that it comes, or what comes after it.
#include "examples/lab/task_text.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "examples/lab/grammar.h"
#include "examples/lab/task_kinds.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

constexpr const char* kOrdinary = "line";
constexpr const char* kLonger = "long-line";

// Every character of every word, and the space; a character's symbol is its place.
const std::string& alphabet() {
  static const std::string characters = [] {
    std::string all = " ";
    for (const std::string& word : phrase_grammar().english_words(kLonger)) all += word;
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  }();
  return characters;
}

int64_t longest_line() {
  static const int64_t longest = phrase_grammar().facts(kOrdinary).longest_english;
  return longest;
}

void prepare(Task& task) {
  task.source_symbols = 0;
  task.target_symbols = static_cast<int64_t>(alphabet().size());
  task.ordinary.target = phrase_grammar().facts(kOrdinary).longest_characters - 1;
  task.longer.target = phrase_grammar().facts(kLonger).longest_characters - 1;
  task.min_length = 1;
  task.length = task.train_length = task.ordinary.target;
  task.symbols = task.target_symbols;
}

Example draw(const Task& /*task*/, bool longer, lib::Generator& generator) {
  while (true) {
    const Phrase phrase = phrase_grammar().draw(longer ? kLonger : kOrdinary, generator);
    if (longer && static_cast<int64_t>(phrase.english.size()) <= longest_line()) continue;
    Example example;
    for (const char c : line_of(phrase.english)) {
      example.target.push_back(static_cast<int64_t>(alphabet().find(c)));
    }
    return example;
  }
}

Split split(const Example& example) { return split_of(example.target); }

std::string label(const Task& /*task*/, int64_t symbol) {
  return {alphabet()[static_cast<size_t>(symbol)]};
}

}  // namespace

const TaskKind kText = {.name = "text",
                        .description = "write English, letter by letter: the black cat sleeps.",
                        .separator = "",
                        .prepare = prepare,
                        .draw = draw,
                        .split = split,
                        .source_label = label,
                        .target_label = label};

TextEntropy text_entropy() {
  const PhraseFacts facts = phrase_grammar().facts(kOrdinary);
  const double bits = facts.entropy / facts.characters;
  return {.bits_per_line = facts.entropy,
          .characters_per_line = facts.characters,
          .bits_per_character = bits,
          .perplexity = std::exp2(bits)};
}

double grammar_bits(const Sequence& line) {
  std::string text;
  for (const int64_t symbol : line) {
    const bool known = symbol >= 0 && symbol < static_cast<int64_t>(alphabet().size());
    text += known ? alphabet()[static_cast<size_t>(symbol)] : '?';
  }
  const Words words = words_of(text);
  if (line_of(words) != text) return std::numeric_limits<double>::infinity();  // stray spaces
  const bool longer = std::find(words.begin(), words.end(), "and") != words.end();
  double probability = 0;
  for (const Phrase& phrase : phrase_grammar().parse(longer ? kLonger : kOrdinary, words)) {
    probability += std::exp2(phrase.log2_probability);
  }
  return -std::log2(probability);
}

double grammar_bits_per_character(const Task& task, Split split, int64_t count) {
  if (task.kind != &kText || count < 1) {
    lib::fail("grammar_bits_per_character: task ", task.name, ", count ", count,
              "; need the task text, and count >= 1");
  }
  double bits = 0, characters = 0;
  for (int64_t i = 0; i < count; ++i) {
    const Sequence line = example(task, split, i).target;
    bits += grammar_bits(line);
    characters += static_cast<double>(line.size() + 1);  // and the end of the line
  }
  return bits / characters;
}

}  // namespace qkv::examples
