// Solution 18. Why turn at all: let R_t be the turn of row t. A product of two turned rows is
//
//   (R_s q) · (R_t k) = qᵀ R_sᵀ R_t k = qᵀ R_(t-s) k
//
// since turning back by s and on by t is turning by t - s: a score knows how far apart two places
// are, not where. The library's: rotary_embedding in nn/positions.cpp.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

Tensor rotary(const Tensor& x) {
  const int64_t T = x.shape()[0], D = x.shape()[1];
  std::vector<double> y;
  for (int64_t t = 0; t < T; ++t) {
    for (int64_t c = 0; c < D; c += 2) {  // c is 2i
      const double speed = std::pow(10000.0, -static_cast<double>(c) / static_cast<double>(D));
      const double cosine = std::cos(static_cast<double>(t) * speed);
      const double sine = std::sin(static_cast<double>(t) * speed);
      const double even = x.at({t, c}), odd = x.at({t, c + 1});
      y.push_back(even * cosine - odd * sine);
      y.push_back(odd * cosine + even * sine);
    }
  }
  return Tensor::of(y, {T, D});
}

}  // namespace qkv::examples
