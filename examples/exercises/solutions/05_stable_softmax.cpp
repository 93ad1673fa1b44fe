// Solution 05.
//
//   exp(x_i) / Σ_j exp(x_j) = exp(x_i - m) / Σ_j exp(x_j - m)     for any m
//
// m = max x: the largest exponent is 0, so nothing overflows, and the sum is at least 1, so nothing
// is divided by 0. Each row has a maximum of its own. The library's: lib/softmax.h.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

Variable stable_softmax(const Variable& x) {
  const Variable e = exp(x - max(x, -1, true));  // (..., n) - (..., 1)
  return e / sum(e, {-1}, true);
}

}  // namespace qkv::examples
