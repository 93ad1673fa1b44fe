// Rungs 2 to 4 of matmul, on one thread. They run one template (kernels/tile.inl, matmul.inl): rung
// 2 without cache blocks, rung 3 with them, both with registers of one number; rung 4 with SIMD.
//
//   for each 1024 columns of C:  for each k-panel:   perhaps pack B, 384 x 1024 floats
//                                  for each 512 rows:  perhaps pack A, 512 x 384 floats, level 2
//                                                      multiply
#include <algorithm>
#include <cstdlib>

#include "lib/matmul_kernels.h"
#include "lib/scratch.h"

namespace qkv::lib {
namespace {

constexpr int64_t kBlockRows = 512, kBlockCols = 1024;

// Below the first limit everything is read where it lies, beyond it strips of B are packed on the
// way. Packing beforehand costs a pass through memory; it pays only beyond the second limit, and
// for rows a multiple of 4 KiB apart: they compete for the same few places of the caches.
constexpr int64_t kBytesWorthReuse = 100'000, kBytesWorthPacking = 2'500'000, kPage = 4096;

template <class T>
bool rows_compete(Matrix<const T> m) {
  const int64_t stride = std::max(std::abs(m.row_stride), std::abs(m.col_stride));
  return stride * static_cast<int64_t>(sizeof(T)) % kPage == 0;
}

int64_t round_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

template <class T>
int64_t bytes_of(const ProductBlock<T>& block) {
  return (block.M * block.K + block.K * block.N + block.M * block.N) *
         static_cast<int64_t>(sizeof(T));
}

template <class T>
ProductBlock<T> whole_block(ProductShape shape, Matrix<const T> A, Matrix<const T> B, Matrix<T> C) {
  return {.M = shape.M,
          .N = shape.N,
          .K = shape.K,
          .A = A,
          .B = B,
          .C = C.data,
          .c_row_stride = C.row_stride,
          .start = shape.accumulate ? C.data : nullptr,
          .start_row_stride = C.row_stride};
}

}  // namespace

template <class T>
ProductBlock<T> part_of(const ProductBlock<T>& whole, int64_t row, int64_t rows, int64_t col,
                        int64_t cols) {
  ProductBlock<T> part = whole;
  part.M = rows;
  part.N = cols;
  part.A.data += row * whole.A.row_stride;
  part.B.data += col * whole.B.col_stride;
  part.C += row * whole.c_row_stride + col;
  if (whole.start) part.start += row * whole.start_row_stride + col;
  return part;
}

// C = start + A B for one k-panel, by blocks of rows. packed_a: room for a block, or nullptr.
template <class T>
void multiply_panel_by_rows(const MatmulKernels<T>& kernels, const ProductBlock<T>& panel,
                            T* packed_a) {
  for (int64_t row = 0; row < panel.M; row += kBlockRows) {
    const int64_t rows = std::min(kBlockRows, panel.M - row);
    ProductBlock<T> block = part_of(panel, row, rows, 0, panel.N);
    if (packed_a) {
      kernels.pack_a(rows, panel.K, block.A, packed_a);
      block.A = {packed_a, kernels.packed_row, 1};
    }
    kernels.multiply(block);
  }
}

template <class T>
void multiply_by_blocks(const MatmulKernels<T>& kernels, const ProductBlock<T>& whole) {
  const int64_t bytes = bytes_of(whole), M = whole.M, N = whole.N, K = whole.K;
  if (bytes <= kBytesWorthReuse || K == 0) return kernels.multiply(whole);
  const bool reused = M >= 4 * kernels.tile_rows && N >= 4 * kernels.strip_cols;
  const bool packed =
      bytes > kBytesWorthPacking && reused && (rows_compete(whole.A) || rows_compete(whole.B));
  const int64_t panels = (K + kernels.depth - 1) / kernels.depth, deep = (K + panels - 1) / panels;
  const int64_t wide = round_up(std::min(N, kBlockCols), kernels.strip_cols);
  const Scratch<T> packed_a(packed ? std::min(M, kBlockRows) * kernels.packed_row : 0);
  const Scratch<T> packed_b(packed ? deep * wide : 0);
  for (int64_t col = 0; col < N; col += kBlockCols) {
    const ProductBlock<T> cols = part_of(whole, 0, M, col, std::min(kBlockCols, N - col));
    ProductBlock<T> panel = cols;
    panel.reuse_b = true;
    panel.packed_b = packed_b.data();
    for (int64_t k = 0; k < K; k += deep) {
      panel.K = std::min(deep, K - k);
      panel.A.data = cols.A.data + k * cols.A.col_stride;
      panel.B.data = cols.B.data + k * cols.B.row_stride;
      if (packed) kernels.pack_b(panel.K, panel.N, panel.B, packed_b.data());
      multiply_panel_by_rows(kernels, panel, packed_a.data());
      panel.start = panel.C, panel.start_row_stride = panel.c_row_stride;
    }
  }
}

// Any B but one with neighbouring columns is still gathered, strip by strip: the tile needs rows.
template <class T>
void matmul_register_tile(ProductShape shape, Matrix<const T> A, Matrix<const T> B, Matrix<T> C) {
  if (shape.M == 0 || shape.N == 0) return;
  scalar_matmul_kernels<T>().multiply(whole_block(shape, A, B, C));
}

template <class T>
void matmul_blocked(ProductShape shape, Matrix<const T> A, Matrix<const T> B, Matrix<T> C) {
  if (shape.M == 0 || shape.N == 0) return;
  multiply_by_blocks(scalar_matmul_kernels<T>(), whole_block(shape, A, B, C));
}

template <class T>
void matmul_simd(ProductShape shape, Matrix<const T> A, Matrix<const T> B, Matrix<T> C) {
  if (shape.M == 0 || shape.N == 0) return;
  multiply_by_blocks(matmul_kernels<T>(), whole_block(shape, A, B, C));
}

template ProductBlock<float> part_of(const ProductBlock<float>&, int64_t, int64_t, int64_t,
                                     int64_t);
template void multiply_by_blocks(const MatmulKernels<float>&, const ProductBlock<float>&);
template void matmul_register_tile(ProductShape, Matrix<const float>, Matrix<const float>,
                                   Matrix<float>);
template void matmul_blocked(ProductShape, Matrix<const float>, Matrix<const float>, Matrix<float>);
template void matmul_simd(ProductShape, Matrix<const float>, Matrix<const float>, Matrix<float>);
template ProductBlock<double> part_of(const ProductBlock<double>&, int64_t, int64_t, int64_t,
                                      int64_t);
template void multiply_by_blocks(const MatmulKernels<double>&, const ProductBlock<double>&);
template void matmul_register_tile(ProductShape, Matrix<const double>, Matrix<const double>,
                                   Matrix<double>);
template void matmul_blocked(ProductShape, Matrix<const double>, Matrix<const double>,
                             Matrix<double>);
template void matmul_simd(ProductShape, Matrix<const double>, Matrix<const double>, Matrix<double>);

}  // namespace qkv::lib
