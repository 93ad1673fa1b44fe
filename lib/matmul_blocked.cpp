// Rungs 2 to 4 of matmul. They run one template (kernels/tile.inl, matmul.inl): rung 2 without
// cache blocks, rung 3 with them, both with registers of one number; rung 4 with SIMD. All on one
// thread; rung 5 (matmul.cpp) brings others to share the packed panels of a large product.
//
//   large products:  for each block of columns of C:
//                      for each k-panel:  pack B, 512 x 512 floats or so, for level 2 (of cache)
//                                         multiply all of A's panel with it
#include <algorithm>

#include "lib/matmul_kernels.h"
#include "lib/parallel.h"
#include "lib/scratch.h"

namespace qkv::lib {
namespace {

// Below the first limit everything is read where it lies, beyond it strips of B are packed on the
// way, beyond the second, where level 2 overflows, whole panels of B before they are used, if there
// are tiles of A enough to use them.
constexpr int64_t kBytesWorthReuse = 100'000, kBytesWorthPacking = 2'500'000;
constexpr int64_t kTilesWorthPacking = 16;

// Tiles that a thread takes at a time; more where each of A's columns is read for them.
constexpr int64_t kTilesAtOnce = 2, kTilesAtOnceCopied = 8;

// A packed panel of B: it shares level 2 (2 MiB, where it is large) with the tiles of A and C.
constexpr int64_t kPanelBytes = 1'200'000;

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
bool packed_beforehand(const MatmulKernels<T>& kernels, const ProductBlock<T>& whole) {
  return bytes_of(whole) > kBytesWorthPacking && whole.K > 0 &&
         whole.M >= kTilesWorthPacking * kernels.tile_rows;
}

// Pack, then multiply. Both are shared among the threads that `share` brings: by strips, by rows.
template <class T, class Share>
void multiply_packed_panel(const MatmulKernels<T>& kernels, const ProductBlock<T>& panel,
                           T* packed_b, const Share& share) {
  const int64_t M = panel.M, N = panel.N, K = panel.K, strip = kernels.strip_cols;
  share(ceil_div(N, strip), 4, [&](int64_t begin, int64_t end) {
    const int64_t col = begin * strip, cols = std::min(N, end * strip) - col;
    kernels.pack_b(K, cols, part_of(panel, 0, M, col, cols).B, packed_b + col * K);
  });
  const bool copied = panel.A.col_stride != 1;
  const int64_t rows = kernels.tile_rows * (copied ? kTilesAtOnceCopied : kTilesAtOnce);
  share(M, rows, [&](int64_t begin, int64_t end) {
    const Scratch<T> copy_of_a(copied ? kernels.copy_of_a : 0);
    ProductBlock<T> block = part_of(panel, begin, end - begin, 0, N);
    block.packed_b = packed_b, block.copy_of_a = copy_of_a.data();
    kernels.multiply(block);
  });
}

template <class T, class Share>
void multiply_packed(const MatmulKernels<T>& kernels, const ProductBlock<T>& whole,
                     const Share& share) {
  const int64_t N = whole.N, K = whole.K, strip = kernels.strip_cols;
  const int64_t deep = ceil_div(K, ceil_div(K, kernels.depth));
  const int64_t widest = kPanelBytes / static_cast<int64_t>(sizeof(T)) / deep;
  const int64_t wide = ceil_div(ceil_div(N, ceil_div(N, widest)), strip) * strip;
  const Scratch<T> packed_b(deep * wide);
  for (int64_t col = 0; col < N; col += wide) {
    const ProductBlock<T> cols = part_of(whole, 0, whole.M, col, std::min(wide, N - col));
    ProductBlock<T> panel = cols;
    for (int64_t k = 0; k < K; k += deep) {
      panel.K = std::min(deep, K - k);
      panel.A.data = cols.A.data + k * cols.A.col_stride;
      panel.B.data = cols.B.data + k * cols.B.row_stride;
      multiply_packed_panel(kernels, panel, packed_b.data(), share);
      panel.start = panel.C, panel.start_row_stride = panel.c_row_stride;
    }
  }
}

template <class T>
void multiply_by_blocks(const MatmulKernels<T>& kernels, const ProductBlock<T>& whole) {
  if (packed_beforehand(kernels, whole)) {
    const auto alone = [](int64_t count, int64_t, const auto& work) { work(0, count); };
    return multiply_packed(kernels, whole, alone);
  }
  ProductBlock<T> block = whole;
  block.reuse_b = bytes_of(whole) > kBytesWorthReuse;
  kernels.multiply(block);
}

template <class T>
void multiply_by_threads(const MatmulKernels<T>& kernels, const ProductBlock<T>& whole) {
  multiply_packed(kernels, whole, [](int64_t count, int64_t grain, const auto& work) {
    parallel_for(count, grain, work);
  });
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
template void multiply_by_threads(const MatmulKernels<float>&, const ProductBlock<float>&);
template bool packed_beforehand(const MatmulKernels<float>&, const ProductBlock<float>&);
template void matmul_register_tile(ProductShape, Matrix<const float>, Matrix<const float>,
                                   Matrix<float>);
template void matmul_blocked(ProductShape, Matrix<const float>, Matrix<const float>, Matrix<float>);
template void matmul_simd(ProductShape, Matrix<const float>, Matrix<const float>, Matrix<float>);
template ProductBlock<double> part_of(const ProductBlock<double>&, int64_t, int64_t, int64_t,
                                      int64_t);
template void multiply_by_blocks(const MatmulKernels<double>&, const ProductBlock<double>&);
template void multiply_by_threads(const MatmulKernels<double>&, const ProductBlock<double>&);
template bool packed_beforehand(const MatmulKernels<double>&, const ProductBlock<double>&);
template void matmul_register_tile(ProductShape, Matrix<const double>, Matrix<const double>,
                                   Matrix<double>);
template void matmul_blocked(ProductShape, Matrix<const double>, Matrix<const double>,
                             Matrix<double>);
template void matmul_simd(ProductShape, Matrix<const double>, Matrix<const double>, Matrix<double>);

}  // namespace qkv::lib
