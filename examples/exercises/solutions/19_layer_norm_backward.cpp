// Solution 19. One row of C numbers, d its deviation, n_i = (x_i - mean) / d. δ_ij is 1 if i = j,
// else 0.
//
//   ∂d/∂x_j   = (x_j - mean) / (C d) = n_j / C
//   ∂n_i/∂x_j = (δ_ij - 1/C) / d - (x_i - mean) / d² · n_j / C
//             = (δ_ij - 1/C - n_i n_j / C) / d
//   dx_j = Σ_i dn_i ∂n_i/∂x_j = (dn_j - mean(dn) - n_j mean(dn n)) / d
//
// What is taken off is what would move the mean or stretch the row: neither changes n,
// but for eps. The library's: autograd/layer_norm.cpp.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

Grads layer_norm_backward(const Variable& dy, const Variable& x, const Variable& gamma,
                          double eps) {
  const Variable centred = x - mean(x, {-1}, true);                            // (T, C)
  const Variable deviation = sqrt(mean(centred * centred, {-1}, true) + eps);  // (T, 1)
  const Variable n = centred / deviation;                                      // (T, C)
  const Variable dn = dy * gamma;                                              // (T, C)
  const Variable dx = (dn - mean(dn, {-1}, true) - n * mean(dn * n, {-1}, true)) / deviation;
  return {dx, sum(dy * n, {0}), sum(dy, {0})};
}

}  // namespace qkv::examples
