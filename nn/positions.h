// Positions: attention itself sees a set, not a sequence: shuffle the keys and the output is the
// same. So each position adds a pattern of its own to its token, or turns its queries and keys by
// angles of its own.
#pragma once

#include "nn/module.h"

namespace qkv::nn {

// (T, C): row t is  sin(t ω_0), cos(t ω_0), sin(t ω_1), cos(t ω_1), ...  with ω_i = 10000^(-2i /
// C): hands of C/2 clocks, from fast to slow. Source: Vaswani et al. 2017, section 3.5.
[[nodiscard]] Tensor sinusoidal_positions(int64_t length, int64_t width,
                                          Dtype dtype = Dtype::float32);

// x + positions:  (B, T, C) -> (B, T, C).   Parameter: weight (max_length, C), normal, deviation
// 0.02.
class LearnedPositions : public Module {
 public:
  LearnedPositions(int64_t max_length, int64_t width, lib::Generator& generator);

  // Throws std::invalid_argument if the sequence is longer than max_length.
  [[nodiscard]] Variable forward(const Variable& x) const;

  Variable weight;
};

// Row t of x (..., T, D) with each pair of columns (2i, 2i+1) turned by the angle (first + t) ω_i,
// ω_i = base^(-2i / D): the hands of the clocks above, moved on by t. Both queries and keys are
// turned; their products then depend on how far apart they are, not on where. Throws
// std::invalid_argument unless D is even, base at least 1, and |first + t| at most a million.
// Source: Su et al., "RoFormer", 2021, section 3.4.2.
[[nodiscard]] Variable rotary_embedding(const Variable& x, double base = 10000, int64_t first = 0);

}  // namespace qkv::nn
