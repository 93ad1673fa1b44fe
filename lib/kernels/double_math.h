// Double-precision functions that <cmath> does not have, for the lanes of math.inl.
#pragma once

#include <cmath>

namespace qkv::lib {

inline double scalar_sigmoid(double x) {
  const double e = ::exp(-::fabs(x));
  return (x < 0 ? e : 1) / (1 + e);
}
inline double scalar_normal_distribution(double x) {
  return 0.5 * ::erfc(-x * 0.70710678118654752440);
}
inline double scalar_gelu(double x) { return x * scalar_normal_distribution(x); }
inline double scalar_gelu_slope(double x) {
  return scalar_normal_distribution(x) + x * 0.39894228040143267794 * ::exp(-0.5 * x * x);
}

}  // namespace qkv::lib
