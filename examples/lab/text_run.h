// Text: how well the n-grams do, which attention has replaced, and the entropy of the grammar that
// made the text, below which no model comes.
#pragma once

#include <optional>
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
  TextScore test, longer;
  std::vector<Line> samples;
};
[[nodiscard]] NGramRun run_ngrams(const Task& task, const Config& config);

// The trials as a table, and the samples.
[[nodiscard]] std::string show_ngrams(const NGramRun& run, const Task& task);

// The perplexities of test lines and of longer ones: of the best n-gram, and of the grammar that
// wrote them; above these of a model, if one is given.
//
//   perplexity of a character        test     longer
//   decoder, width 64              1.6361     6.4804
//   n-gram, order 13, Kneser-Ney   1.6994     2.4570
//   the grammar itself             1.6029     1.5522     (of all its lines: 1.6079)
struct TextModel {
  std::string name;
  double test, longer;  // perplexities
};
[[nodiscard]] std::string show_beside(const NGramRun& run, const Task& task,
                                      const std::optional<TextModel>& model = {});

}  // namespace qkv::examples
