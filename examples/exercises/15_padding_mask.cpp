// Exercise 15. The padding mask (chapter 13)
//
// B sequences of different lengths lie in one tensor, T places each; behind its own length a
// sequence is filled up with padding, which nobody may attend to. Return a bool tensor
// (B, 1, 1, T), true where a key is real. Its axes of size 1 broadcast over heads and queries.
//
//   lengths {2, 4}, T = 4    # # . .
//                            # # # #
//
// Hint: the first lengths[b] keys of sequence b are real. Tensor::of(lengths, {B, 1, 1, 1}) makes a
// tensor of the lengths, tensor::arange(T) is 0 .. T-1, less(a, b) is true where a < b.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

Tensor padding_mask(const std::vector<int64_t>& lengths, int64_t T) {
  const int64_t B = static_cast<int64_t>(lengths.size());
  return tensor::full({B, 1, 1, T}, 1, Dtype::boolean);  // your code
}

}  // namespace qkv::examples
