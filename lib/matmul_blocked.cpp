// Rungs 2 to 4 of matmul, on one thread. They run one template (kernels/tile.inl, matmul.inl): rung
// 2 without cache blocks, rung 3 with them, both with registers of one number; rung 4 with SIMD.
//
//   C in blocks of 512 x 1024:  of A a block needs 512 rows, packed they stay in the second-level
//   cache while all strips of B pass; C is still near when the next k-panel adds to it.
#include <algorithm>

#include "lib/matmul_kernels.h"
#include "lib/scratch.h"

namespace qkv::lib {
namespace {

constexpr int64_t kBlockRows = 512, kBlockCols = 1024;

// Packing pays when what it copies is used often enough, and not before the operands outgrow the
// first-level cache; A is packed only where they outgrow the second-level one, too.
constexpr int64_t kBytesWorthPackingB = 100'000, kBytesWorthPackingA = 2'500'000;

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

template <class T>
void multiply_by_blocks(const MatmulKernels<T>& kernels, const ProductBlock<T>& whole) {
  const int64_t bytes = bytes_of(whole);
  if (bytes <= kBytesWorthPackingB) return kernels.multiply(whole);
  ProductBlock<T> plan = whole;
  plan.pack_b = true;
  plan.prefetch = bytes > kBytesWorthPackingA;
  const bool pack_a = plan.prefetch && whole.N >= 8 * kernels.strip_cols;
  const Scratch<T> packed_a(
      pack_a ? std::min(whole.M, kBlockRows) * std::min(whole.K, kernels.depth) : 0);
  plan.packed_a = packed_a.data();
  for (int64_t col = 0; col < whole.N; col += kBlockCols) {
    for (int64_t row = 0; row < whole.M; row += kBlockRows) {
      kernels.multiply(part_of(plan, row, std::min(kBlockRows, whole.M - row), col,
                               std::min(kBlockCols, whole.N - col)));
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
