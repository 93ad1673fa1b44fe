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
// The limits are spelled out: -inf times 0 would be NaN.
inline double scalar_gelu(double x) { return x < -40 ? -0.0 : x * scalar_normal_distribution(x); }
inline double scalar_gelu_slope(double x) {
  if (::fabs(x) > 40) return x < 0 ? 0 : 1;
  return scalar_normal_distribution(x) + x * 0.39894228040143267794 * ::exp(-0.5 * x * x);
}

// x sigmoid(u), u = 2 √(2/π) (x + 0.044715 x³); σ' = σ (1 - σ), and 1 - σ(u) = σ(-u).
inline double scalar_gelu_tanh(double x) {
  constexpr double kC = 1.59576912160573071176;
  return x < -25 ? -0.0 : x * scalar_sigmoid(kC * x * (1 + 0.044715 * x * x));
}
inline double scalar_gelu_tanh_slope(double x) {
  constexpr double kC = 1.59576912160573071176;
  if (::fabs(x) > 25) return x < 0 ? 0 : 1;
  const double u = kC * x * (1 + 0.044715 * x * x), slope_of_u = kC * (1 + 3 * 0.044715 * x * x);
  const double s = scalar_sigmoid(u);
  return s + x * s * scalar_sigmoid(-u) * slope_of_u;
}

}  // namespace qkv::lib
