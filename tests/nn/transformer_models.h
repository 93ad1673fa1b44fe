// For the tests of models with Transformer layers: a tiny one, tokens to read, and the places of a
// graph where it is asked who can influence whom.
#pragma once

#include <string>
#include <vector>

#include "autograd/graph.h"
#include "nn/transformer.h"
#include "tensor/views.h"

namespace qkv::tests {

inline constexpr nn::TransformerConfig kTiny = {.vocab = 7,
                                                .source_vocab = 5,
                                                .width = 8,
                                                .heads = 2,
                                                .layers = 2,
                                                .feed_forward = 12,
                                                .norm = nn::Norm::pre,
                                                .activation = nn::Activation::gelu};

inline constexpr nn::Positions kAllPositions[] = {nn::Positions::none, nn::Positions::sinusoidal,
                                                  nn::Positions::learned, nn::Positions::rotary,
                                                  nn::Positions::alibi};

// Symbols below `vocab`, other ones for every seed.
[[nodiscard]] inline tensor::Tensor some_tokens(const tensor::Shape& shape, int64_t vocab = 7,
                                                uint64_t seed = 1) {
  lib::Generator generator(seed);
  return tensor::integers(shape, 0, vocab, generator);
}

// The rows that a model has looked up in its table number `which`; an encoder-decoder's are that of
// the source, 0, and that of the target, 1.
[[nodiscard]] inline autograd::Variable embedded(const autograd::Variable& logits, int which = 0) {
  for (const auto& node : autograd::nodes_behind(logits)) {
    if (std::string(node->op) != "embedding" || which-- > 0) continue;
    return autograd::Variable(tensor::zeros(node->shape, logits.dtype()), node);
  }
  return {};
}

// Of x (B, T, C) the first `length` positions of one sequence.
[[nodiscard]] inline std::vector<double> rows(const autograd::Variable& x, int64_t sequence,
                                              int64_t length) {
  return tensor::slice(tensor::select(x.value(), 0, sequence), 0, 0, length).to_vector();
}

}  // namespace qkv::tests
