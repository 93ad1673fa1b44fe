// Solution 17. Each pair of columns is the hand of a clock, (sin, cos) of an angle that grows by
// w_i from place to place: fast in the first pair, 10000 times as slow near the last. Two places
// that are s apart differ by the same turn of every hand wherever they are. The library's:
// nn/positions.cpp.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

Tensor sinusoids(int64_t T, int64_t C) {
  std::vector<double> values;
  for (int64_t t = 0; t < T; ++t) {
    for (int64_t c = 0; c < C; ++c) {
      const int64_t i = c / 2;
      const double speed =
          std::pow(10000.0, -2.0 * static_cast<double>(i) / static_cast<double>(C));
      const double angle = static_cast<double>(t) * speed;
      values.push_back(c % 2 == 0 ? std::sin(angle) : std::cos(angle));
    }
  }
  return Tensor::of(values, {T, C});
}

}  // namespace qkv::examples
