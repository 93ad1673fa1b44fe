// What the lab shows of a trained model: examples with their answers, and where it looks.
#pragma once

#include <string>

#include "examples/lab/run.h"

namespace qkv::examples {

// The first `count` held-out sequences, or all if there are fewer: input, answer, and the target
// where the answer differs.
[[nodiscard]] std::string show_predictions(Model& model, const Task& task, int64_t count);

// Where the model looks while it writes its answer to the first sequence of the batch: one map for
// every layer and head, or a sentence that it has none.
[[nodiscard]] std::string show_attention(Model& model, const Batch& batch);

// "exact-sequence 100.00% (1000/1000), token 100.00%"
[[nodiscard]] std::string show_accuracy(const Accuracy& accuracy);

// "alignment error rate: 0.42% of 200 phrases, by the last map above; no alignment was ever shown".
[[nodiscard]] std::string show_alignment_error(double error, const Task& task);

// "loss 0.5000 nats, perplexity 1.649, token 81.20%"
[[nodiscard]] std::string show_prediction(const Prediction& prediction);

}  // namespace qkv::examples
