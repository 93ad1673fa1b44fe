// The kernels of matmul, compiled for every instruction set, and the block of work they take. For
// lib/matmul*.cpp only; the contract is in lib/matmul.h.
#pragma once

#include "lib/matmul.h"

namespace qkv::lib {

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// A block of C and the parts of A and B that it needs; K is whole, or a k-panel: a range of k.
template <class T>
struct ProductBlock {
  int64_t M, N, K;
  Matrix<const T> A, B;
  T* C;
  int64_t c_row_stride;
  const T* start;  // what the sums begin with: nullptr for zero, C itself, a bias (row stride 0)
  int64_t start_row_stride;
  bool reuse_b = false;         // many tiles read each strip of B: pack it on the way?
  const T* packed_b = nullptr;  // B as pack_b leaves it; then K is at most `depth`,
  T* copy_of_a = nullptr;       // and there is room for `copy_of_a` numbers if A.col_stride != 1
};

template <class T>
struct MatmulKernels {
  void (*multiply)(const ProductBlock<T>& block);
  void (*pack_b)(int64_t K, int64_t N, Matrix<const T> B, T* packed);  // strips of strip_cols
  int64_t tile_rows, strip_cols;                                       // the largest register tile
  int64_t copy_of_a;                                                   // see ProductBlock
  int64_t depth;                                                       // of a k-panel, at most
};

// The kernels of active_isa(), the instruction set in use (cpu.h), and those without SIMD.
template <class T>
const MatmulKernels<T>& matmul_kernels();
template <class T>
const MatmulKernels<T>& scalar_matmul_kernels();

// The part of `whole` that is its C from (row, col) on, rows x cols.
template <class T>
ProductBlock<T> part_of(const ProductBlock<T>& whole, int64_t row, int64_t rows, int64_t col,
                        int64_t cols);

// One thread, any size: cuts into cache blocks and packs where that pays (matmul_blocked.cpp).
template <class T>
void multiply_by_blocks(const MatmulKernels<T>& kernels, const ProductBlock<T>& whole);

// Is `whole` so large that panels of B are packed before they are used? Then threads can share the
// panels, and multiply_by_threads does the same as multiply_by_blocks with all of them.
template <class T>
bool packed_beforehand(const MatmulKernels<T>& kernels, const ProductBlock<T>& whole);
template <class T>
void multiply_by_threads(const MatmulKernels<T>& kernels, const ProductBlock<T>& whole);

}  // namespace qkv::lib
