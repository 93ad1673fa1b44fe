// Exercise 17. Sinusoidal positions (chapter 15)
//
// Return (T, C), C even: in row t, for every i from 0 to C/2 - 1,
//
//   column 2i       sin(t w_i)
//   column 2i + 1   cos(t w_i)        w_i = 10000^(-2i / C)
//
// Hint: two loops that push_back numbers in row-major order. With column c, i is c / 2, rounded
// down. std::pow(10000.0, u) is 10000^u; of whole numbers 1 / 2 is 0, so make them double first.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

Tensor sinusoids(int64_t T, int64_t C) {
  std::vector<double> values(static_cast<size_t>(T * C), 0.0);  // your code
  return Tensor::of(values, {T, C});
}

}  // namespace qkv::examples
