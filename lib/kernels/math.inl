// Functions of floats. V is a Vec<float>, one register, or a Pair, several side by side. Each has
// three steps: reduce the argument to a small interval, approximate there by a polynomial,
// reconstruct. Only correctly rounded operations are used (no estimates), so every instruction set
// gives the same bits. In double precision the standard library's functions serve, lane by lane.

#include "lib/simd/pair.inl"

template <class V>
V constant(float x) {
  return V::broadcast(x);
}

#include "lib/kernels/math_exp.inl"
// sigmoid, 1 / (1 + exp(-x)), tanh, and the tanh form of gelu: quotients of exponentials
#include "lib/kernels/math_sigmoid.inl"
// erf, an area under the bell curve, and the exact gelu, x (1 + erf(x / √2)) / 2: polynomials by
// pieces
#include "lib/kernels/math_normal.inl"

// ---- double precision: the standard library, lane by lane ---------------------------------------

template <double (*f)(double)>
Vec<double> each_lane(Vec<double> v) {
  double lane[Vec<double>::kWidth];
  v.store(lane);
  for (int i = 0; i < Vec<double>::kWidth; ++i) lane[i] = f(lane[i]);
  return Vec<double>::load(lane);
}

inline Vec<double> exp(Vec<double> x) { return each_lane<::exp>(x); }
inline Vec<double> log(Vec<double> x) { return each_lane<::log>(x); }
inline Vec<double> tanh(Vec<double> x) { return each_lane<::tanh>(x); }
inline Vec<double> sigmoid(Vec<double> x) { return each_lane<scalar_sigmoid>(x); }
inline Vec<double> relu(Vec<double> x) { return max(Vec<double>::broadcast(0), x); }
inline Vec<double> erf(Vec<double> x) { return each_lane<::erf>(x); }
inline Vec<double> gelu(Vec<double> x) { return each_lane<scalar_gelu>(x); }
inline Vec<double> gelu_slope(Vec<double> x) { return each_lane<scalar_gelu_slope>(x); }
inline Vec<double> gelu_tanh(Vec<double> x) { return each_lane<scalar_gelu_tanh>(x); }
inline Vec<double> gelu_tanh_slope(Vec<double> x) { return each_lane<scalar_gelu_tanh_slope>(x); }
