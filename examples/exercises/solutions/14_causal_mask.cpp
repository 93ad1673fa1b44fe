// Solution 14. Query i stands at place i + (keys - queries) among the keys:
//
//   allowed_ij = j <= i + keys - queries
//
// The library's: Mask::causal in nn/mask.h, which makes no cells unless somebody wants to see them.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

Tensor causal_mask(int64_t queries, int64_t keys) {
  const Tensor key = tensor::arange(keys);                                  // (keys)
  const Tensor query = unsqueeze(tensor::arange(queries), 1);               // (queries, 1)
  return less_equal(key, add(query, static_cast<double>(keys - queries)));  // (queries, keys)
}

}  // namespace qkv::examples
