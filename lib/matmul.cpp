// Rung 5 of matmul: threads, and batches of products. Of a few large products threads share the
// packed panels (matmul_blocked.cpp). All other work is a list of blocks of C, product after
// product; threads take runs of them. How it is cut depends on the shape alone, and no bit depends
// on the cut: each c_ij is one chain, whoever computes it.
//
//   2 products, C 256 x 256, blocks of 128 x 128:    product 0: [0 1]   product 1: [4 5]
//                                                               [2 3]              [6 7]
#include "lib/matmul.h"

#include <algorithm>

#include "lib/matmul_kernels.h"
#include "lib/parallel.h"

namespace qkv::lib {
namespace {

// A run of blocks should be worth handing over, and there should be enough runs that the last one
// does not keep the others waiting.
constexpr int64_t kFlopsPerRun = 2'000'000, kRunsWanted = 16;

struct Cut {
  int64_t rows, cols;          // of a block, at most
  int64_t row_blocks, blocks;  // down one C; in one C
};

// Halves the longer side while there are too few blocks and each is worth more than one run. Sides
// stay whole strips and at least four tiles, so that packing pays within a block.
Cut cut_product(const ProductShape& shape, int64_t products, int64_t tile_rows, int64_t strip) {
  const int64_t M = shape.M, N = shape.N, K = shape.K;
  const auto blocks = [&](int64_t rows, int64_t cols) {
    return ceil_div(M, rows) * ceil_div(N, cols);
  };
  int64_t rows = M, cols = N;
  while (products * blocks(rows, cols) < kRunsWanted && 2 * rows * cols * K >= 2 * kFlopsPerRun) {
    if (rows > cols && rows >= 8 * tile_rows) {
      rows = ceil_div(rows, 2);
    } else if (cols >= 4 * strip) {
      cols = ceil_div(ceil_div(cols, 2), strip) * strip;
    } else if (rows >= 2 * tile_rows) {
      rows = ceil_div(rows, 2);
    } else {
      break;
    }
  }
  return {rows, cols, ceil_div(M, rows), blocks(rows, cols)};
}

// Moves `block`, a copy of `first`, to the product with number `index`. Products count like digits,
// the last axis fastest.
template <class T>
void go_to_product(std::span<const BatchAxis> axes, int64_t index, const ProductBlock<T>& first,
                   ProductBlock<T>& block) {
  int64_t a = 0, b = 0, c = 0;
  for (size_t i = axes.size(); i-- > 0;) {
    const int64_t rest = i == 0 ? 0 : index / axes[i].count;
    const int64_t place = index - rest * axes[i].count;
    index = rest;
    a += place * axes[i].a_stride, b += place * axes[i].b_stride, c += place * axes[i].c_stride;
  }
  block.A.data = first.A.data + a;
  block.B.data = first.B.data + b;
  block.C = first.C + c;
  if (first.start == first.C) block.start = block.C;
}

}  // namespace

template <class T>
void matmul_batch(std::span<const BatchAxis> axes, ProductShape shape, Matrix<const T> A,
                  Matrix<const T> B, Matrix<T> C, const T* bias) {
  const int64_t M = shape.M, N = shape.N, K = shape.K;
  int64_t products = 1;
  for (const BatchAxis& axis : axes) products *= axis.count;
  if (products == 0 || M == 0 || N == 0) return;
  const MatmulKernels<T>& kernels = matmul_kernels<T>();
  const ProductBlock<T> first{.M = M,
                              .N = N,
                              .K = K,
                              .A = A,
                              .B = B,
                              .C = C.data,
                              .c_row_stride = C.row_stride,
                              .start = shape.accumulate ? C.data : bias,
                              .start_row_stride = shape.accumulate ? C.row_stride : 0};
  const int64_t flops = 2 * M * N * K;
  const bool alone = products * flops < kFlopsWorthSplitting || num_threads() == 1;
  const bool within = products < kRunsWanted && packed_beforehand(kernels, first);
  if (alone || within) {
    ProductBlock<T> product = first;
    for (int64_t i = 0; i < products; ++i) {
      if (i > 0) go_to_product(axes, i, first, product);
      alone ? multiply_by_blocks(kernels, product) : multiply_by_threads(kernels, product);
    }
    return;
  }
  const Cut cut = cut_product(shape, products, kernels.tile_rows, kernels.strip_cols);
  const int64_t flops_per_block = std::max<int64_t>(1, flops / cut.blocks);
  const int64_t run = std::max<int64_t>(1, kFlopsPerRun / flops_per_block);
  parallel_for(products * cut.blocks, run, [&](int64_t begin, int64_t end) {
    ProductBlock<T> product = first;
    for (int64_t i = begin; i < end; ++i) {
      go_to_product(axes, i / cut.blocks, first, product);
      if (cut.blocks == 1) {
        multiply_by_blocks(kernels, product);
        continue;
      }
      const int64_t block = i % cut.blocks;
      const int64_t row = block % cut.row_blocks * cut.rows,
                    col = block / cut.row_blocks * cut.cols;
      multiply_by_blocks(kernels, part_of(product, row, std::min(cut.rows, M - row), col,
                                          std::min(cut.cols, N - col)));
    }
  });
}

template <class T>
void matmul(ProductShape shape, Matrix<const T> A, Matrix<const T> B, Matrix<T> C, const T* bias) {
  matmul_batch<T>({}, shape, A, B, C, bias);
}

template void matmul(ProductShape, Matrix<const float>, Matrix<const float>, Matrix<float>,
                     const float*);
template void matmul(ProductShape, Matrix<const double>, Matrix<const double>, Matrix<double>,
                     const double*);
template void matmul_batch(std::span<const BatchAxis>, ProductShape, Matrix<const float>,
                           Matrix<const float>, Matrix<float>, const float*);
template void matmul_batch(std::span<const BatchAxis>, ProductShape, Matrix<const double>,
                           Matrix<const double>, Matrix<double>, const double*);

}  // namespace qkv::lib
