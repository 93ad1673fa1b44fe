// Elementwise arithmetic on raw pointers, where an operand may be repeated (broadcast). Two rungs
// with one signature, the same bits:
//
//   y_ij = a_ij op b_ij     y (rows, n) is row-major, a_ij lies at a.data[i a.row_step + j a.step]
#pragma once

#include <cstdint>

namespace qkv::lib {

enum class Arithmetic { add, sub, mul, div };

//                     row_step  step
//   a matrix            n        1
//   a row, repeated     0        1       bias:                   x + b
//   a column, repeated  1        0       one number per row:     x * (1 / deviation)
//   a number            0        0       scale:                  x * 0.5
template <class T>
struct Operand {
  const T* data;
  int64_t row_step, step;
};

// REQUIRES: y overlaps no operand, or is one that is a matrix with row_step n. T is float or
// double.
//
// Rung 0, the definition: one number after the other.
template <class T>
void arithmetic_definition(Arithmetic op, int64_t rows, int64_t n, Operand<T> a, Operand<T> b,
                           T* y);

// Rung 1, SIMD: steps 0 and 1 are registers filled once and loads of neighbours
// (lib/kernels/arithmetic.inl); large planes are shared among threads.
template <class T>
void arithmetic(Arithmetic op, int64_t rows, int64_t n, Operand<T> a, Operand<T> b, T* y);

}  // namespace qkv::lib
