// Softmax of rows and its relatives, on raw pointers. Softmax has two rungs with one signature:
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

// REQUIRES, here and below: each array holds rows * n numbers; results are an operand, or do not
// overlap it. T is float or double.
//
// Rung 0, the definition, with the standard library's exp and one addition after the other.
template <class T>
void softmax_definition(RowsShape shape, const T* x, T* y);

// Rung 1, SIMD: 16 exponentials at a time by our own polynomial, sums in lanes, many short rows at
// once, rows shared among threads (lib/kernels/softmax.inl). A row costs one division: its elements
// are multiplied by the rounded 1 / total, whose error adds one rounding to theirs.
// float32: an exponential below 2^-125 counts as 0.
template <class T>
void softmax(RowsShape shape, const T* x, T* y);

// The same for the elements i of row r with allowed[r * stride + i]; the others are not read and
// get 0, and so does a row with none. REQUIRES: stride >= n, or 0 if all rows share one mask.
template <class T>
void masked_softmax(RowsShape shape, const T* x, const bool* allowed, int64_t stride, T* y);

// From the gradient of y to that of x:  dx = y (dy - Σ_j dy_j y_j).
template <class T>
void softmax_backward(RowsShape shape, const T* dy, const T* y, T* dx);

// y_i = (x_i - m) - log Σ_j exp(x_j - m), and dx = dy - exp(y) Σ_j dy_j.
template <class T>
void log_softmax(RowsShape shape, const T* x, T* y);
template <class T>
void log_softmax_backward(RowsShape shape, const T* dy, const T* y, T* dx);

// More elements than these are taken to come from memory, and are asked for early.
inline constexpr int64_t kElementsInCache = 131'072;

// Elements worth handing to another thread: an exponential costs about a quarter of a nanosecond.
inline constexpr int64_t kElementsWorthSplitting = 32'768;

}  // namespace qkv::lib
