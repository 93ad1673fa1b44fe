// Solution 15. Key t of sequence b is real if t < lengths[b]; the axis of the keys is the last one,
// since that is the one that softmax goes along. The library's: Mask::padding in nn/mask.h.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

Tensor padding_mask(const std::vector<int64_t>& lengths, int64_t T) {
  const int64_t B = static_cast<int64_t>(lengths.size());
  return less(tensor::arange(T), Tensor::of(lengths, {B, 1, 1, 1}));  // (B, 1, 1, T)
}

}  // namespace qkv::examples
