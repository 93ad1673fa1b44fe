// A probabilistic grammar of two languages at once: each rule has an English and a French side made
// of the same parts, so a phrase comes with its translation, its alignment and its probability.
//
//   P(phrase) = product of the shares of the rules that made it
//   H(whole)  = Σ_rule p_rule (-log2 p_rule + Σ_part H(part))        bits, exact, without sampling
//
// Source: Lewis and Stearns, "Syntax-directed transduction", 1968. Rules: grammar_rules.h.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "examples/lab/alignment.h"
#include "examples/lab/grammar_rules.h"
#include "examples/lab/words.h"
#include "lib/random.h"

namespace qkv::examples {

struct Phrase {
  Words english, french;
  std::vector<Link> links;      // one for each French word, in order; the source is English
  double log2_probability = 0;  // of this derivation
};

// What holds of all the phrases of one kind.
struct PhraseFacts {
  double entropy = 0;     // bits in a phrase
  double phrases = 0;     // how many different ones there are
  double words = 0;       // English ones in a phrase, on average
  double characters = 0;  // in a line of English text, on average, with the end of the line
  int64_t longest_english = 0, longest_french = 0;  // words
  int64_t longest_characters = 0;                   // with the end of the line
};

class Grammar {
 public:
  // Throws std::invalid_argument if a part has no rule, an order does not fit its parts, or a word
  // has a wrong number of forms. No whole may contain itself.
  Grammar(std::span<const Rule> rules, std::span<const Word> words);

  // A phrase of this kind, such as "phrase" or "line", drawn from the grammar's probabilities.
  // These functions throw std::invalid_argument for an unknown kind.
  [[nodiscard]] Phrase draw(const std::string& whole, lib::Generator& generator) const;

  // Every derivation of the English words as a phrase of this kind: none, if they are not one. If
  // no phrase has more than one, the grammar is unambiguous, as `facts` takes it to be.
  [[nodiscard]] std::vector<Phrase> parse(const std::string& whole, const Words& english) const;

  [[nodiscard]] PhraseFacts facts(const std::string& whole) const;

  // The vocabularies of a kind of phrase, sorted.
  [[nodiscard]] Words english_words(const std::string& whole) const;
  [[nodiscard]] Words french_words(const std::string& whole) const;

 private:
  // One way to make a whole: of parts, or of a word and its French.
  struct Production {
    double probability = 0;
    std::vector<std::string> parts;
    std::vector<size_t> order;  // of the parts in French
    std::string english;        // if there are no parts
    Words french;
  };

  struct Partial {  // a derivation of the words from some place up to `end`
    size_t end;
    Phrase phrase;
  };

  void add_rule(const Rule& rule);
  void add_word(const Word& word);
  void finish();
  [[nodiscard]] const std::vector<Production>& ways(const std::string& whole) const;
  [[nodiscard]] std::vector<Partial> parse_from(const std::string& whole, const Words& english,
                                                size_t start) const;
  void collect(const std::string& whole, std::set<std::string>& english,
               std::set<std::string>& french) const;

  [[nodiscard]] static Phrase word_phrase(const Production& production);
  [[nodiscard]] static Phrase join(const Production& production, const std::vector<Phrase>& parts);

  std::map<std::string, std::vector<Production>> productions_;
};

// The grammar of kRules and kWords.
[[nodiscard]] const Grammar& phrase_grammar();

// Words as a line of text: a space before each word but the first; none before , . and !.
[[nodiscard]] std::string line_of(const Words& words);
[[nodiscard]] Words words_of(const std::string& line);  // and back

}  // namespace qkv::examples
