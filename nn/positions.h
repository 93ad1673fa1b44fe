// Positions: attention itself sees a set, not a sequence: shuffle the keys and the output is the
// same. So each position adds a pattern of its own to its token, or turns its queries and keys by
// angles of its own, or loses what is far away.
#pragma once

#include <memory>

#include "nn/module.h"

namespace qkv::nn {

//   kind          where it acts                       what a model sees of positions s and t
//   none          nowhere                             nothing, but for what a causal mask betrays
//   sinusoidal    added to the token                  both: patterns that are given
//   learned       added to the token                  both: patterns that are learned
//   rotary        turns queries and keys              their distance t - s
//   alibi         lowers scores                       their distance |t - s|
enum class Positions { none, sinusoidal, learned, rotary, alibi };

// (T, C): row t is  sin(t ω_0), cos(t ω_0), sin(t ω_1), cos(t ω_1), ...  with ω_i = 10000^(-2i /
// C): hands of C/2 clocks, from fast to slow. Source: Vaswani et al. 2017, section 3.5.
[[nodiscard]] Tensor sinusoidal_positions(int64_t length, int64_t width,
                                          Dtype dtype = Dtype::float32);

// x + positions:  (B, T, C) -> (B, T, C).
// Parameter: weight (max_length, C), normal with deviation 0.02.
class LearnedPositions : public Module {
 public:
  LearnedPositions(int64_t max_length, int64_t width, lib::Generator& generator);

  // The first of x is at position `first`. Throws std::invalid_argument if the sequence reaches
  // beyond max_length.
  [[nodiscard]] Variable forward(const Variable& x, int64_t first = 0) const;

  Variable weight;
};

// Row t of x (..., T, D) with each pair of columns (2i, 2i+1) turned by the angle (first + t) ω_i,
// ω_i = base^(-2i / D): the hands of the clocks above, moved on by t. Both queries and keys are
// turned; their products then depend on how far apart they are, not on where. Throws
// std::invalid_argument unless D is even, base at least 1, and |first + t| at most a million.
// Source: Su et al., "RoFormer", 2021, section 3.4.2.
[[nodiscard]] Variable rotary_embedding(const Variable& x, double base = 10000, int64_t first = 0);

// (H): 2^(-8/H), 2^(-16/H), ... 2^-8: how much a score of each head falls from one key to the next
// further away. The first head sees its neighbours only, the last almost everything. In an encoder
// both directions count the same: the distance is |i - j|.
// Source: Press, Smith, Lewis, "Train short, test long", 2022, section 3 (ALiBi).
[[nodiscard]] Tensor alibi_slopes(int64_t heads, Dtype dtype = Dtype::float32);

// What is added to the tokens of a model: sinusoids, learned patterns, or nothing for kinds that
// act inside attention.   Parameter: weight (max_length, C), for learned positions only.
class AddedPositions : public Module {
 public:
  // `model` is used in messages. Throws std::invalid_argument unless max_length is at least 1.
  AddedPositions(const char* model, Positions kind, int64_t max_length, int64_t width,
                 lib::Generator& generator);

  // x (B, T, C), at positions first .. first + T - 1 -> (B, T, C). Throws std::invalid_argument if
  // one of them is max_length or more, whatever the kind.
  [[nodiscard]] Variable forward(const Variable& x, int64_t first = 0);

 private:
  const char* model_;
  Positions kind_;
  int64_t max_length_;
  std::unique_ptr<LearnedPositions> learned_;
  Tensor sinusoids_;  // (max_length, C), made when first needed
};

}  // namespace qkv::nn
