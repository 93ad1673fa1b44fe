// Both kinds of positions. The sinusoids use lib's portable sin and cos: the same bits on every
// machine.
#include "nn/positions.h"

#include "autograd/ops.h"
#include "lib/elementary.h"
#include "lib/text.h"

namespace qkv::nn {

Tensor sinusoidal_positions(int64_t length, int64_t width, Dtype dtype) {
  std::vector<double> values;
  values.reserve(static_cast<size_t>(length * width));
  for (int64_t t = 0; t < length; ++t) {
    for (int64_t column = 0; column < width; ++column) {
      const double i = static_cast<double>(column / 2 * 2) / static_cast<double>(width);
      const double angle =
          static_cast<double>(t) * lib::portable_exp(-i * lib::portable_log(10000));
      values.push_back(column % 2 == 0 ? lib::portable_sin(angle) : lib::portable_cos(angle));
    }
  }
  return Tensor::of(values, {length, width}).to(dtype);
}

LearnedPositions::LearnedPositions(int64_t max_length, int64_t width, lib::Generator& generator)
    : weight(autograd::parameter(tensor::normal({max_length, width}, 0, 0.02, generator))) {
  add("weight", weight);
}

Variable LearnedPositions::forward(const Variable& x) const {
  const int64_t T = x.shape().from_end(2);
  if (T > weight.shape()[0]) {
    lib::fail("LearnedPositions: sequence length ", T, " exceeds max_length ", weight.shape()[0]);
  }
  return x + slice(weight, 0, 0, T);  // (B, T, C) + (T, C)
}

}  // namespace qkv::nn
