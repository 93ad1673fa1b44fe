// Rung 2 of matmul: cache blocks around the packed SIMD kernel.
//
//   for each k-panel (256 deep)          the C block is re-loaded, so its FMA chain simply goes on
//     for each column block (1024 wide)  B block packed once:   256 x 1024 floats = 1 MiB, level 3
//       for each row block (48 high)     A block packed:        48 x 256 floats = 48 KiB, level 2
//         tiles in registers             one B panel:           256 x 16 floats = 16 KiB, level 1
#include "lib/matmul.h"

#include <algorithm>

#include "lib/parallel.h"
#include "lib/scratch.h"
#include "lib/simd/dispatch.h"

namespace qkv::lib {
namespace {

template <class T>
struct Kernels {
  // A panel holds tile_rows rows of A or tile_cols columns of B, k-major; several panels lie behind
  // one another.
  int tile_rows, tile_cols;
  using Pack = void (*)(int64_t rows, int64_t cols, const T* matrix, int64_t row_stride,
                        int64_t col_stride, T* panel);
  Pack pack_a, pack_b;
  void (*multiply_block)(int64_t rows, int64_t cols, int64_t K, const T* a, const T* b, T* C,
                         int64_t ldc, bool accumulate);
};

#define QKV_KERNELS "lib/kernels/matmul.inl"
#include "lib/simd/every_isa.inl"

constexpr int64_t kDepth = 256, kBlockCols = 1024, kBlockRows = 48;

int64_t round_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

// B block (K x cols) -> panels of tile_cols columns.
template <class T>
void pack_b_block(const Kernels<T>& k, int64_t K, int64_t cols, Matrix<const T> B, T* packed) {
  for (int64_t j = 0; j < cols; j += k.tile_cols) {
    k.pack_b(K, std::min<int64_t>(k.tile_cols, cols - j), B.data + j * B.col_stride, B.row_stride,
             B.col_stride, packed + j * K);
  }
}

// A block (rows x K) -> panels of tile_rows rows.
template <class T>
void pack_a_block(const Kernels<T>& k, int64_t rows, int64_t K, Matrix<const T> A, T* packed) {
  for (int64_t i = 0; i < rows; i += k.tile_rows) {
    k.pack_a(std::min<int64_t>(k.tile_rows, rows - i), K, A.data + i * A.row_stride, A.row_stride,
             A.col_stride, packed + i * K);
  }
}

}  // namespace

template <class T>
void matmul(ProductShape shape, Matrix<const T> A, Matrix<const T> B, Matrix<T> C) {
  const auto [M, N, K, accumulate] = shape;
  if (K == 0) return matmul_loop_order(shape, A, B, C);  // an empty sum
  const Kernels<T>& kernels = lib::kernels<T>();
  const int64_t depth = std::min(K, kDepth), width = std::min(N, kBlockCols);
  const Scratch<T> packed_b(depth * round_up(width, kernels.tile_cols));
  const bool split = 2 * M * N * K >= kFlopsWorthSplitting;

  for (int64_t k = 0; k < K; k += kDepth) {
    const int64_t deep = std::min(kDepth, K - k);
    for (int64_t j = 0; j < N; j += kBlockCols) {
      const int64_t wide = std::min(kBlockCols, N - j);
      const Matrix<const T> B_block{B.data + k * B.row_stride + j * B.col_stride, B.row_stride,
                                    B.col_stride};
      pack_b_block(kernels, deep, wide, B_block, packed_b.data());
      const bool add = accumulate || k > 0;
      parallel_for(M, split ? kBlockRows : std::max<int64_t>(M, 1),
                   [&](int64_t begin, int64_t end) {
                     const Scratch<T> packed_a(
                         deep * round_up(std::min(kBlockRows, end - begin), kernels.tile_rows));
                     for (int64_t i = begin; i < end; i += kBlockRows) {
                       const int64_t high = std::min(kBlockRows, end - i);
                       const Matrix<const T> A_block{A.data + i * A.row_stride + k * A.col_stride,
                                                     A.row_stride, A.col_stride};
                       pack_a_block(kernels, high, deep, A_block, packed_a.data());
                       kernels.multiply_block(high, wide, deep, packed_a.data(), packed_b.data(),
                                              C.data + i * C.row_stride + j, C.row_stride, add);
                     }
                   });
    }
  }
}

template void matmul(ProductShape, Matrix<const float>, Matrix<const float>, Matrix<float>);
template void matmul(ProductShape, Matrix<const double>, Matrix<const double>, Matrix<double>);

}  // namespace qkv::lib
