// The kernels of matmul, compiled for every instruction set, and the block of work they take. For
// lib/matmul*.cpp only; the contract is in lib/matmul.h.
#pragma once

#include "lib/matmul.h"

namespace qkv::lib {

// A block of C and the parts of A and B that it needs; K is whole.
template <class T>
struct ProductBlock {
  int64_t M, N, K;
  Matrix<const T> A, B;
  T* C;
  int64_t c_row_stride;
  const T* start;  // what the sums begin with: nullptr for zero, C itself, a bias (row stride 0)
  int64_t start_row_stride;
  bool pack_b = false;    // leave packed strips of B for the tiles below?
  bool prefetch = false;  // operands lie beyond the second-level cache: ask for them early
  T* packed_a = nullptr;  // room for M * depth numbers, or nullptr: A is read where it lies
};

template <class T>
struct MatmulKernels {
  void (*multiply)(const ProductBlock<T>& block);
  int64_t tile_rows, strip_cols;  // the largest register tile
  int64_t depth;                  // of a k-panel
};

// The kernels of active_isa(), and those without SIMD.
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

}  // namespace qkv::lib
