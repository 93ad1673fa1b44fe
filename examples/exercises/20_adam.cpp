// Exercise 20. One step of Adam (chapter 17)
//
// For every weight w with gradient g, at step number `step` = 1, 2, ...:
//
//   m = 0.9 m + 0.1 g             a running mean of the gradient
//   v = 0.999 v + 0.001 g^2       and of its square
//   w = w - rate m^ / (sqrt(v^) + 1e-8)
//
// m and v begin at 0 and are too small at first, by a factor that is known:
// m^ = m / (1 - 0.9^step), v^ = v / (1 - 0.999^step). Change w, m and v in place.
//
// Hint: a loop over i; std::pow(0.9, step). What is kept in m and v is uncorrected.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

void adam_step(std::vector<double>& w, std::vector<double>& m, std::vector<double>& v,
               const std::vector<double>& g, int step, double rate) {
  // your code
}

}  // namespace qkv::examples
