// Solution 02.
//
//   y = sinh(x) / cosh(x)     dy/dx = (cosh(x)² - sinh(x)²) / cosh(x)² = 1 - y²
//
// So the result is all that has to be kept; x may be forgotten. The library's: tanh in
// autograd/functions.cpp.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

Variable tanh_backward(const Variable& dy, const Variable& y) { return dy * (-(y * y) + 1.0); }

}  // namespace qkv::examples
