// Solution 11. i says what enters, f what is kept, o what is shown; g is what would enter. c' is a
// sum: where f is 1 the past goes through unchanged, and so does its gradient. The library's:
// lstm_cell in autograd/recurrent_cells.cpp.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

std::pair<Variable, Variable> lstm_step(const Variable& x, const Variable& h, const Variable& c,
                                        const Variable& W_ih, const Variable& W_hh,
                                        const Variable& b) {
  const int64_t n = c.shape()[1];
  const Variable gates = linear(x, W_ih, b) + linear(h, W_hh);  // (B, 4 hidden)
  const Variable i = sigmoid(slice(gates, -1, 0, n));           // (B, hidden), as all below
  const Variable f = sigmoid(slice(gates, -1, n, 2 * n));
  const Variable g = tanh(slice(gates, -1, 2 * n, 3 * n));
  const Variable o = sigmoid(slice(gates, -1, 3 * n, 4 * n));
  const Variable c_next = f * c + i * g;
  return {o * tanh(c_next), c_next};
}

}  // namespace qkv::examples
