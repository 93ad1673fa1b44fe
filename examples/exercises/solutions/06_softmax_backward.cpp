// Solution 06. δ_ij is 1 if i = j, else 0.
//
//   ∂y_i/∂x_j = y_i (δ_ij - y_j)
//   dx_j = Σ_i dy_i y_i (δ_ij - y_j) = y_j dy_j - y_j Σ_i dy_i y_i = y_j (dy_j - Σ_i dy_i y_i)
//
// What counts is how much better dy_j is than the row's average, weighted by y. The library's:
// softmax in autograd/softmax.cpp.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

Variable softmax_backward(const Variable& dy, const Variable& y) {
  const Variable average = sum(dy * y, {-1}, true);  // (..., 1)
  return y * (dy - average);
}

}  // namespace qkv::examples
