// Exercise 05. A softmax that does not overflow (chapter 5)
//
// The softmax of every row (last axis) of x:  y_i = exp(x_i) / sum_j exp(x_j),  without calling
// softmax(). Rows like (1000, 1001, 1002) must not give NaN.
//
// Hint: numerator and denominator may be divided by the same exp(m): the result does not change if
// m is subtracted from a whole row. With m = max(x, -1, true) nothing is larger than exp(0) = 1.
// `true` keeps the last axis, with size 1, so that the result broadcasts against x.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

Variable stable_softmax(const Variable& x) {
  return x;  // your code
}

}  // namespace qkv::examples
