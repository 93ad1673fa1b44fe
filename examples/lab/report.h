// What the lab shows of a trained model: examples with their predictions, and where it looks.
#pragma once

#include <string>

#include "examples/lab/trainer.h"

namespace qkv::examples {

// The first `count` held-out sequences: input, target where the prediction differs, prediction.
[[nodiscard]] std::string show_predictions(nn::EncoderClassifier& model, const Task& task,
                                           int64_t count);

// The attention maps of the first held-out sequence, one for every layer and head.
[[nodiscard]] std::string show_attention(nn::EncoderClassifier& model, const Task& task);

// "exact-sequence 100.00% (1000/1000), token 100.00%"
[[nodiscard]] std::string show_accuracy(const Accuracy& accuracy);

}  // namespace qkv::examples
