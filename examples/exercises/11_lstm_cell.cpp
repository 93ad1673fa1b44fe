// Exercise 11. One step of an LSTM (chapter 11)
//
//   gates = W_ih x + W_hh h + b        (B, 4 hidden): i, f, g, o side by side
//   i = sigmoid(...)  f = sigmoid(...)  g = tanh(...)  o = sigmoid(...)
//   c' = f c + i g                     h' = o tanh(c')
//
// sigmoid(x) = 1 / (1 + exp(-x)) is between 0 and 1. W_ih is chapter 11's W, W_hh its U, four of
// each, one below the other. x (B, in), h and c (B, hidden), W_ih (4 hidden, in), W_hh (4 hidden,
// hidden), b (4 hidden); hidden is h.shape()[1]. Return {h', c'}.
//
// Hint: linear(x, W, b) is x W^T + b, and the b may be left out. slice(gates, -1, begin, end) takes
// columns begin to end - 1: i is 0 to hidden, f is hidden to 2 hidden, ...
#include "examples/exercises/exercise.h"

namespace qkv::examples {

std::pair<Variable, Variable> lstm_step(const Variable& x, const Variable& h, const Variable& c,
                                        const Variable& W_ih, const Variable& W_hh,
                                        const Variable& b) {
  return {h, c};  // your code
}

}  // namespace qkv::examples
