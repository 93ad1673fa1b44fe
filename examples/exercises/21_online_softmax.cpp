// Exercise 21. Online softmax: maximum and sum in one pass (chapter 18)
//
// Numbers x_1, x_2, ... come one after the other and are not kept. After each, two are known:
//
//   max = the largest so far        sum = sum_j exp(x_j - max) over all so far
//
// Given both, and the next x, return the new {max, sum}. Before the first x, max is -infinity and
// sum 0.
//
// Hint: where a new maximum comes, all terms of the old sum were measured from the old one.
// exp(x_j - new) = exp(x_j - old) exp(old - new): one factor mends them all.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

std::pair<double, double> see(double max, double sum, double x) {
  return {max, sum};  // your code
}

}  // namespace qkv::examples
