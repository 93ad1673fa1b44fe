// What attention replaced: n-gram language models. The next symbol is predicted from the last n - 1
// alone, by counting what followed them in the training text.
//
//   order 3, after "the ca":   count("ca", then 't') / count of all that followed "ca"
//
// A count of zero must not mean a probability of zero, so the counts are smoothed. Next: ngram.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "lib/random.h"

namespace qkv::examples {

using Line = std::vector<int64_t>;  // symbols from 0 to symbols - 1

// How often each symbol followed each context of up to longest_order - 1 symbols. A line is counted
// as if a start symbol stood before it and an end symbol, number `symbols`, behind it.
//
// The contexts are a tree that is walked backwards from the place to be predicted:
//
//   (any) ── 'a' ── 'c' ── ' '        after "the ca": what followed anything, "a", "ca", " ca"
class NGramCounts {
 public:
  // Throws std::invalid_argument unless symbols >= 1 and longest_order >= 1.
  NGramCounts(int64_t symbols, int64_t longest_order);

  // Throws std::invalid_argument for a symbol that is not one.
  void add(const Line& line);

  [[nodiscard]] int64_t symbols() const { return symbols_; }
  [[nodiscard]] int64_t longest_order() const { return longest_order_; }

  struct Follower {
    int64_t symbol;
    int64_t count = 0;          // how often the symbol followed this context
    int64_t continuations = 0;  // after how many of the contexts one symbol longer it did so
  };
  struct Context {
    std::vector<Follower> followers;                 // in order of first appearance
    std::vector<std::pair<int64_t, size_t>> longer;  // by the symbol before it: which context
    int64_t count = 0, continuations = 0;            // sums over the followers
  };

  // The contexts of the next symbol after `before`, from the empty one to the longest that was
  // seen, at most order - 1 symbols long.
  [[nodiscard]] std::vector<const Context*> contexts(std::span<const int64_t> before,
                                                     int64_t order) const;

 private:
  [[nodiscard]] size_t longer_context(size_t at, int64_t symbol);  // made if it is not there
  void count_follower(size_t at, size_t shorter, int64_t symbol);

  int64_t symbols_, longest_order_;
  std::vector<Context> contexts_;  // number 0 is the empty one
};

enum class Smoothing { add_k, kneser_ney };

struct NGramSettings {
  int64_t order = 5;  // n: how many symbols make an n-gram, the predicted one among them
  Smoothing smoothing = Smoothing::kneser_ney;
  double parameter = 0.75;  // k > 0 of add_k; the discount D of kneser_ney, 0 < D < 1
};

struct TextScore {
  double bits = 0;         // -Σ log2 P(line)
  int64_t characters = 0;  // of all lines, each with its end
  [[nodiscard]] double bits_per_character() const;
  [[nodiscard]] double perplexity() const;  // 2 to the power of the bits per character
};

// A model is the counts seen through its settings; it keeps a reference to the counts.
//
//   add-k        P(w | h) = (c(h w) + k) / (c(h) + k V)
//   Kneser-Ney   P(w | h) = max(c(h w) - D, 0) / c(h) + D types(h) / c(h) · P(w | h')
//
// with V the number of symbols, the end among them, and h' the context h without its first symbol.
// In Kneser-Ney, c is the count at the longest context only. Below it is the number of different
// symbols seen before h w: "Francisco" is frequent, but follows one word only, so it is a bad guess
// after any other. types(h) is how many different symbols followed h: what was discounted in total
// is handed down to the shorter context, at last to the uniform 1/V. A context at the start of a
// line has no symbol before it and keeps its counts; a context never seen passes all on to the next
// shorter one (add-k: is uniform).
// Source: Kneser and Ney, "Improved backing-off for m-gram language modeling", 1995; the
// interpolated form is Chen and Goodman's, "An empirical study of smoothing techniques", 1999.
class NGram {
 public:
  // Throws std::invalid_argument if the order is not from 1 to the longest counted, or the
  // parameter out of its range.
  NGram(const NGramCounts& counts, const NGramSettings& settings);

  // P(symbol | the line so far); the symbol numbered `symbols` is the end of the line. Over all
  // symbols and the end it sums to 1. REQUIRES: 0 <= symbol <= symbols.
  [[nodiscard]] double probability(std::span<const int64_t> before, int64_t symbol) const;

  [[nodiscard]] TextScore score(const std::vector<Line>& lines) const;

  // A line drawn from the model, cut after max_length symbols.
  [[nodiscard]] Line sample(lib::Generator& generator, int64_t max_length) const;

 private:
  const NGramCounts& counts_;
  NGramSettings settings_;
};

// How a grid of settings does on lines that were not counted: for each smoothing and each order the
// best of a few parameters.
struct NGramTrial {
  NGramSettings settings;
  TextScore score;
};
[[nodiscard]] std::vector<NGramTrial> try_ngrams(const NGramCounts& counts,
                                                 const std::vector<Line>& validation);

// Those with the fewest bits per character. Throws std::invalid_argument if there are none.
[[nodiscard]] NGramSettings best_of(const std::vector<NGramTrial>& trials);

}  // namespace qkv::examples
