// Softmax of rows, on raw pointers. Two rungs with one signature:
//
//   y_i = exp(x_i - m) / Σ_j exp(x_j - m),   m = max_j x_j
//
// The shift by m changes nothing (it cancels) but keeps exp from overflowing.
#pragma once

#include <cstdint>

namespace qkv::lib {

struct RowsShape {
  int64_t rows, n;                 // rows of n numbers, one behind the other
  bool empty_row_is_zero = false;  // a row of nothing but -inf gives zeros instead of NaN
};

// REQUIRES: x and y hold rows * n numbers; y is x, or does not overlap it. T is float or double.
//
// Rung 0, the definition, with the standard library's exp and one addition after the other.
template <class T>
void softmax_definition(RowsShape shape, const T* x, T* y);

// Rung 1, SIMD: 16 exponentials at a time by our own polynomial, sums in lanes, rows shared among
// threads (lib/kernels/softmax.inl).
template <class T>
void softmax(RowsShape shape, const T* x, T* y);

// Elements worth handing to another thread: an exponential costs about a nanosecond.
inline constexpr int64_t kElementsWorthSplitting = 32'768;

}  // namespace qkv::lib
