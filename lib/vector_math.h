// Functions of many numbers at once, on raw pointers: y[i] = f(x[i]). float32 by our own
// polynomials, which give the same bits with every instruction set (lib/kernels/math.inl); float64
// by the standard library. Large arrays are shared among threads.
#pragma once

#include <cstdint>

namespace qkv::lib {

enum class Function {
  exp,
  log,
  tanh,
  sigmoid,
  relu,  // max(x, 0)
  erf,
  gelu,             // x Φ(x), Φ the normal distribution function
  gelu_slope,       // its derivative
  gelu_tanh,        // x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2
  gelu_tanh_slope,  // its derivative
};

// REQUIRES: x and y hold n numbers; y is x, or does not overlap it. T is float or double.
template <class T>
void map(Function f, int64_t n, const T* x, T* y);

// dx[i] = f'(x[i]) dy[i], in one pass, for f = tanh, sigmoid, relu, gelu and gelu_tanh. `saved` is
// what says it most easily:
//
//   the result y      tanh  dy (1 - y²)     sigmoid  dy y (1 - y)     relu  dy where y > 0, else 0
//   the argument x    gelu and gelu_tanh  dy slope(x)
//
// REQUIRES: f is one of these; the arrays hold n numbers; dy is dx, or they do not overlap.
template <class T>
void map_backward(Function f, int64_t n, const T* saved, const T* dy, T* dx);

// Σ x[i] and Σ x[i] y[i], in the fixed order of lib/simd/lanes.inl.
template <class T>
[[nodiscard]] T sum(int64_t n, const T* x);
template <class T>
[[nodiscard]] T dot(int64_t n, const T* x, const T* y);

}  // namespace qkv::lib
