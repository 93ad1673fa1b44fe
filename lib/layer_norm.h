// Layer normalisation of rows, on raw pointers: each row is shifted to mean 0 and scaled to
// variance 1.
//
//   mean = Σ x / n,   variance = Σ (x - mean)² / n,   y = (x - mean) / √(variance + eps)
//
// Source: Ba, Kiros, Hinton, "Layer normalization", 2016 (without gain and bias).
#pragma once

#include <cstdint>

namespace qkv::lib {

// REQUIRES: x and y hold rows * n numbers, n >= 1, y does not overlap x; inverse_deviation holds
// rows numbers and receives 1 / √(variance + eps). T is float or double.
template <class T>
void layer_norm(int64_t rows, int64_t n, const T* x, T eps, T* y, T* inverse_deviation);

// From the gradient dy of the normalised rows y to the gradient dx of x; means are over a row:
//
//   dx = inverse_deviation (dy - mean(dy) - y mean(dy y))
//
// The two means are what moving one x does to the row's mean and to its deviation.
// REQUIRES: as above; dx may be dy.
template <class T>
void layer_norm_backward(int64_t rows, int64_t n, const T* dy, const T* y,
                         const T* inverse_deviation, T* dx);

}  // namespace qkv::lib
