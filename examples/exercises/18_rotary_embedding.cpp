// Exercise 18. Rotary positions: turning queries and keys (chapter 15)
//
// x (T, D), D even. In row t, turn each pair of columns (2i, 2i + 1) by the angle
// a = t w_i, w_i = 10000^(-2i / D):
//
//   y_2i   = x_2i cos(a) - x_2i+1 sin(a)
//   y_2i+1 = x_2i+1 cos(a) + x_2i sin(a)
//
// Hint: x.at({t, c}) is one number. Go through the rows, and in each through the pairs; each pair
// pushes two numbers.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

Tensor rotary(const Tensor& x) {
  return x;  // your code
}

}  // namespace qkv::examples
