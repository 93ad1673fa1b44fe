// What a trained model is measured by: the figures that ./qkv train prints and that the studies put
// into their tables.
#pragma once

#include <optional>

#include "examples/lab/trainer.h"

namespace qkv::examples {

struct Result {
  int64_t parameters = 0;
  Accuracy validation, test;
  double bleu = 0;                        // of the test answers, 0 to 100
  std::optional<Accuracy> longer;         // of sequences longer than any in the training
  std::optional<double> alignment_error;  // where gold alignments and maps on the source exist

  // Of a text, which has no right answers, these two, and none of the accuracies: how well the test
  // lines are predicted, and longer ones.
  std::optional<Prediction> prediction, longer_prediction;
};

// The alignment error rate is that of this many test sequences, or of all if there are fewer. Of a
// Transformer it is that of one map, the last head's of the last layer: each head looks where it
// will, and no rule says which of them, if any, looks at the word that is translated.
constexpr int64_t kAligned = 200;

// The figures of a trained model on held-out sequences. Of `longer` it takes as many as of test.
[[nodiscard]] Result measure(Model& model, const Task& task);

}  // namespace qkv::examples
