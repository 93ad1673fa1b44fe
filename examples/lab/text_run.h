// Text: how well the n-grams do, which attention has replaced, and the entropy of the grammar that
// made the text, below which no model comes.
#pragma once

#include <string>
#include <vector>

#include "examples/lab/ngram.h"
#include "examples/lab/tasks.h"

namespace qkv::examples {

// One n-gram model for every order up to config.model.order and each smoothing, the parameter of
// each chosen on the validation lines; the best one is scored on the test lines.
struct NGramRun {
  std::vector<NGramTrial> trials;  // the best of each order and smoothing, on validation
  NGramSettings best;
  TextScore test;
  std::vector<Line> samples;
};
[[nodiscard]] NGramRun run_ngrams(const Task& task, const Config& config);

// As a table, with samples and the grammar's own figures.
[[nodiscard]] std::string show_ngrams(const NGramRun& run, const Task& task);

// "the grammar itself: 1.03 bits per character, perplexity 2.04 (of these lines 1.05 and 2.07)"
[[nodiscard]] std::string show_entropy(const Task& task);

}  // namespace qkv::examples
