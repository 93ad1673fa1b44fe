// Mask: who may look at whom. True means "this query may attend to this key"; what is not allowed
// is skipped: it gets weight 0 exactly, never a very negative score. Masks combine with &.
#pragma once

#include <string>
#include <vector>

#include "tensor/attention.h"

namespace qkv::nn {

//   causal(4)    keys ->       padding({2, 4}, 4)    sequence 0   sequence 1
//   query 0      # . . .                             # # . .      # # # #
//   query 1      # # . .
//   query 2      # # # .
//   query 3      # # # #
//
//   window(5, 5, 2)      window(5, 5, 2, 1)
//   query 0  # . . . .   # . . . .
//   query 1  # # . . .   # # . . .
//   query 2  . # # . .   # # # . .
//   query 3  . . # # .   # . # # .      the first key is a sink: it stays in sight
//   query 4  . . . # #   # . . # #

class Mask {
 public:
  Mask() = default;  // no restriction

  // Query i may attend to keys 0 .. i. With more keys than queries the last query is aligned with
  // the last key, as when earlier keys come from a cache (kv_cache.h). Allowed: (Tq, Tk).
  static Mask causal(int64_t queries, int64_t keys);
  static Mask causal(int64_t length) { return causal(length, length); }

  // Causal, and query i sees only the last `width` keys up to itself; L layers of it still look
  // back L · (width - 1) positions. The first `sinks` keys stay in sight besides: softmax puts
  // there what it has no use for, and long texts fall apart without them. Allowed: (Tq, Tk).
  // Throws std::invalid_argument unless queries <= keys, width >= 1 and sinks >= 0.
  // Sources: Beltagy et al. 2020, "Longformer"; Jiang et al. 2023, "Mistral"; Xiao et al. 2024.
  static Mask window(int64_t queries, int64_t keys, int64_t width, int64_t sinks = 0);

  // Query i sees the keys less than `width` away on both sides, i + keys - queries being its own
  // place among them, and the first `sinks` keys. Allowed: (Tq, Tk). Throws std::invalid_argument
  // unless width >= 1 and sinks >= 0.
  static Mask band(int64_t queries, int64_t keys, int64_t width, int64_t sinks = 0);

  // Sequence b has lengths[b] real keys; the rest of `keys` is padding. Allowed: (B, 1, 1, Tk).
  // Throws std::invalid_argument for a length outside [0, keys].
  static Mask padding(const std::vector<int64_t>& lengths, int64_t keys);

  // Any bool tensor that broadcasts to (B, H, Tq, Tk). Throws std::invalid_argument if it is not
  // bool.
  static Mask allow(tensor::Tensor allowed);

  // Allowed by both. Throws std::invalid_argument if their shapes do not broadcast.
  friend Mask operator&(const Mask& a, const Mask& b);

  [[nodiscard]] bool restricts() const { return shape_.rank() > 0; }

  // The shape of allowed(), for a mask that restricts.
  [[nodiscard]] const tensor::Shape& shape() const { return shape_; }

  // Every cell, as a bool tensor; undefined without a restriction. Made anew at each call.
  [[nodiscard]] tensor::Tensor allowed() const;

  // The same for scores (..., queries, keys), as far as possible without making any cells: that
  // attention is causal, or padded, is all its kernels need to know.
  [[nodiscard]] tensor::AttentionMask parts(int64_t queries, int64_t keys) const;

  // A picture: one line per query, # where it may attend, . where not; batches and heads under
  // titles.
  [[nodiscard]] std::string str() const;

 private:
  tensor::Shape shape_;  // (..., Tq, Tk); Tq is 1 where queries do not matter; rank 0: no mask
  tensor::AttentionMask parts_;
};

}  // namespace qkv::nn
