// One run of the lab, from a configuration to its figures: what ./qkv train prints and what the
// studies put into their tables.
#pragma once

#include <functional>
#include <optional>

#include "examples/lab/trainer.h"

namespace qkv::examples {

struct Result {
  int64_t parameters = 0;
  TrainingEnd end;
  double seconds = 0;  // of the training
  Accuracy validation, test;
  double bleu = 0;                        // of the test answers, 0 to 100
  std::optional<Accuracy> longer;         // of sequences longer than any in the training
  std::optional<Prediction> prediction;   // of a text, where accuracies are not filled in
  std::optional<double> alignment_error;  // where gold alignments and maps on the source exist
};

// Whether a run measures its answers (a question has one right answer), or how well it predicts (a
// text has none).
[[nodiscard]] bool has_questions(const Task& task);

// The figures of a trained model on held-out sequences. Of `longer` it takes as many as of test.
[[nodiscard]] Result measure(Model& model, const Task& task);

// Makes the model, trains it, measures it.
[[nodiscard]] Result run_experiment(const Config& config);

}  // namespace qkv::examples
