// Functions of many numbers at once, on raw pointers: y[i] = f(x[i]). float32 by our own
// polynomials, which give the same bits with every instruction set (lib/kernels/math.inl); float64
// by the standard library. Large arrays are shared among threads.
#pragma once

#include <cstdint>

namespace qkv::lib {

enum class Function { exp, log, tanh, sigmoid, erf, gelu, gelu_slope };

// REQUIRES: x and y hold n numbers; y is x, or does not overlap it. T is float or double.
template <class T>
void map(Function f, int64_t n, const T* x, T* y);

// Σ x[i] and Σ x[i] y[i], in the fixed order of lib/simd/lanes.inl.
template <class T>
[[nodiscard]] T sum(int64_t n, const T* x);
template <class T>
[[nodiscard]] T dot(int64_t n, const T* x, const T* y);

}  // namespace qkv::lib
