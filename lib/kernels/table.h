// The table of kernels of one instruction set: plain function pointers, chosen once at run time.
// The functions behind it are written once, as templates in lib/kernels/*.inl, and compiled for
// each set.
#pragma once

#include <cstdint>

#include "lib/cpu.h"

namespace qkv::lib {

template <class T>
struct Kernels {
  // y[i] = f(x[i]) for i < n; x may be y.
  using Map = void (*)(int64_t n, const T* x, T* y);
  Map exp, log, tanh, sigmoid, erf, gelu, gelu_slope;

  T (*sum_row)(int64_t n, const T* x);                 // Σ x[i], in lanes
  T (*dot_row)(int64_t n, const T* x, const T* y);     // Σ x[i] y[i], fused, in lanes
  T (*max_row)(int64_t n, const T* x);                 // may pass over NaN
  T (*exp_row)(int64_t n, const T* x, T shift, T* y);  // y = exp(x - shift); returns Σ y
  void (*softmax_rows)(int64_t rows, int64_t n, const T* x, T* y, bool empty_row_is_zero);

  // The packed matrix product, see matmul.inl. A panel holds tile_rows rows of A or tile_cols
  // columns of B, k-major; several panels lie behind one another.
  int tile_rows, tile_cols;
  using Pack = void (*)(int64_t rows, int64_t cols, const T* matrix, int64_t row_stride,
                        int64_t col_stride, T* panel);
  Pack pack_a, pack_b;
  void (*multiply_block)(int64_t rows, int64_t cols, int64_t K, const T* a, const T* b, T* C,
                         int64_t ldc, bool accumulate);
};

// The kernels of active_isa(). T is float or double.
template <class T>
[[nodiscard]] const Kernels<T>& kernels();

}  // namespace qkv::lib
