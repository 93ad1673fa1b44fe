// Solution 12. Forward again, then every line of it backward:
//
//   h' = o tanh(c')     do = dh' tanh(c'),  and to c' comes  dh' o (1 - tanh(c')²)
//   c' = f c + i g      with all that came to c' together, called total:
//                       df = total c,  dc = total f,  di = total g,  dg = total i
//   sigmoid, tanh       times y (1 - y), times 1 - y²
//
// The library's: cell_step_backward in lib/recurrent_cells.cpp.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

Grads lstm_backward(const Variable& dh_next, const Variable& dc_next, const Variable& gates,
                    const Variable& c) {
  const int64_t n = c.shape()[1];
  const Variable i = sigmoid(slice(gates, -1, 0, n)), f = sigmoid(slice(gates, -1, n, 2 * n));
  const Variable g = tanh(slice(gates, -1, 2 * n, 3 * n));
  const Variable o = sigmoid(slice(gates, -1, 3 * n, 4 * n));
  const Variable shown = tanh(f * c + i * g);

  const Variable total = dc_next + dh_next * o * (-(shown * shown) + 1.0);
  const Variable di = total * g * i * (-i + 1.0);
  const Variable df = total * c * f * (-f + 1.0);
  const Variable dg = total * i * (-(g * g) + 1.0);
  const Variable d_o = dh_next * shown * o * (-o + 1.0);
  return {concat({di, df, dg, d_o}, -1), total * f};  // (B, 4 hidden), (B, hidden)
}

}  // namespace qkv::examples
