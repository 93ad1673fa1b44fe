// Mask: who may look at whom. True means "this query may attend to this key"; what is not allowed
// is skipped: it gets weight 0 exactly, never a very negative score. Masks combine with &.
#pragma once

#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace qkv::nn {

//   causal(4)    keys ->       padding({2, 4}, 4)    sequence 0   sequence 1
//   query 0      # . . .                             # # . .      # # # #
//   query 1      # # . .
//   query 2      # # # .
//   query 3      # # # #

class Mask {
 public:
  Mask() = default;  // no restriction

  // Query i may attend to keys 0 .. i. With more keys than queries the last query is aligned with
  // the last key, as when earlier keys come from a cache. Allowed: (Tq, Tk).
  static Mask causal(int64_t queries, int64_t keys);
  static Mask causal(int64_t length) { return causal(length, length); }

  // Sequence b has lengths[b] real keys; the rest of `keys` is padding. Allowed: (B, 1, 1, Tk).
  // Throws std::invalid_argument for a length outside [0, keys].
  static Mask padding(const std::vector<int64_t>& lengths, int64_t keys);

  // Any bool tensor that broadcasts to (B, H, Tq, Tk). Throws std::invalid_argument if it is not
  // bool.
  static Mask allow(tensor::Tensor allowed);

  // Allowed by both.
  friend Mask operator&(const Mask& a, const Mask& b);

  [[nodiscard]] bool restricts() const { return allowed_.defined(); }
  [[nodiscard]] const tensor::Tensor& allowed() const { return allowed_; }

  // A picture: one line per query, # where it may attend, . where not; batches and heads under
  // titles.
  [[nodiscard]] std::string str() const;

 private:
  tensor::Tensor allowed_;
};

}  // namespace qkv::nn
