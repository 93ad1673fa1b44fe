// Cache blocks and packing, around the register tile of tile.inl. C gets its sums k-panel (A and B
// over a range of k) after k-panel, and carries the chains from one panel to the next.
//
//                  strips of B
//                  ┌──┬──┬──┬──┐
//       k-panel    │▓▓│▓▓│▓▓│▓▓│
//      ┌───────┐   ├──┼──┴──┴──┤
//      │▒▒▒▒▒▒▒│   │▓▓│ C      │
//      │ A     │   │  │        │
//      └───────┘   └──┴────────┘
//
//   mid-sized:  for each strip of B, which stays in the nearest cache,
//                 for each tile of A:  multiply
//   large:      for each tile of A, which stays in the nearest cache,
//                 for each strip of B, in the second-level cache:  multiply
//
// Packing changes strides, nothing else: what lies far apart in the source (a row every few pages,
// in the same few places of the cache) lies together afterwards, in order of use.

#include "lib/kernels/tile.inl"

// rows x cols numbers whose columns lie behind one another, to rows of `stride` numbers: a
// transpose, by blocks of kPiece rows x kWidth columns, which registers can turn (load_columns in
// lib/simd). Where the size is no multiple, the last blocks overlap the ones before them: 20
// columns by 16 are [0 .. 15], then [4 .. 19].
template <class T>
void pack_columns(int64_t rows, int64_t cols, const T* source, int64_t col_stride, T* to,
                  int64_t stride) {
  constexpr int64_t kWidth = Vec<T>::kWidth, kRows = kPiece<T>;
  for (int64_t col = 0; col < cols; col += kWidth) {
    const int64_t j = col + kWidth <= cols ? col : cols - kWidth;
    for (int64_t row = 0; row < rows; row += kRows) {
      const int64_t i = row + kRows <= rows ? row : rows - kRows;
      Vec<T> block[kRows];
      load_columns(source + i + j * col_stride, col_stride, block);
#pragma GCC unroll 4
      for (int64_t r = 0; r < kRows; ++r) block[r].store(to + (i + r) * stride + j);
    }
  }
}

// The same of any strides.
template <class T>
void pack(int64_t rows, int64_t cols, Matrix<const T> source, T* to, int64_t stride) {
  constexpr int64_t kWidth = Vec<T>::kWidth;
  if (source.row_stride == 1 && rows >= kPiece<T> && cols >= kWidth) {
    return pack_columns(rows, cols, source.data, source.col_stride, to, stride);
  }
  for (int64_t i = 0; i < rows; ++i) {
    const T* const from = source.data + i * source.row_stride;
    int64_t j = 0;
    if (source.col_stride == 1) {
      for (; j + kWidth <= cols; j += kWidth) Vec<T>::load(from + j).store(to + i * stride + j);
      if (j == cols) continue;
      const auto last = Vec<T>::part(static_cast<int>(cols - j));
      Vec<T>::load_part(from + j, last).store_part(to + i * stride + j, last);
    } else {
      for (; j < cols; ++j) to[i * stride + j] = from[j * source.col_stride];
    }
  }
}

// A k-panel of `source`, K x N, cut into strips of `width` columns, strip behind strip, each in
// rows of `stride` numbers: b00 b01 .. b0,31 | b10 b11 .. b1,31 | .. Rows that lie in memory that
// way are read along their whole length, four at a time: whole pieces are read, and written.
template <class T>
void pack_strips(int64_t K, int64_t N, Matrix<const T> source, int64_t width, int64_t stride,
                 T* packed) {
  const int64_t together = source.col_stride == 1 ? 4 : K;
  for (int64_t k = 0; k < K; k += together) {
    const int64_t rows = K - k < together ? K - k : together;
    const T* from = source.data + k * source.row_stride;
    T* to = packed + k * stride;
    for (int64_t j = 0; j < N; j += width, from += width * source.col_stride, to += K * stride) {
      const int64_t cols = N - j < width ? N - j : width;
      pack<T>(rows, cols, {from, source.row_stride, source.col_stride}, to, stride);
    }
  }
}

template <class T>
void pack_b(int64_t K, int64_t N, Matrix<const T> B, T* packed) {
  pack_strips(K, N, B, kStrip<T>, kStrip<T>, packed);
}

// The deepest k-panel: a tile of 14 rows then takes 28 KiB, which leaves the first-level cache room
// for the strips of B that pass by.
template <class T>
constexpr int64_t kDepth = 2048 / sizeof(T);

// The first tile of a strip, leaving a packed copy of the strip behind. Its loads are done anyway,
// and the FMAs leave the store unit idle. There are two tiles or more, so it is at least half the
// highest.
template <class T, int kRows>
void multiply_first_tile(int64_t rows, TileJob<T>& job) {
  if constexpr (2 * kRows >= kMaxRows<kMaxVecs>) {
    if (rows == kRows) {
      multiply_tiles<T, kRows, kMaxVecs, false, true>(1, job);
    } else {
      multiply_first_tile<T, kRows - 1>(rows, job);
    }
  }
}

template <class T>
void multiply_strip_packing(const TileHeights& cut, TileJob<T> job) {
  multiply_first_tile<T, kMaxRows<kMaxVecs>>(cut.rows, job);
  job.b = job.packed_b, job.b_row_stride = kStrip<T>;
  multiply_tiles_of<T, kMaxVecs, false>(cut.rows, cut.tiles - 1, job);
  if (cut.lower > 0) multiply_tiles_of<T, kMaxVecs, false>(cut.lower_rows, cut.lower, job);
}

// One k-panel; `strip` has room for a strip of B.
template <class T>
void multiply_panel(const ProductBlock<T>& block, TileJob<T> job, T* strip) {
  const TileHeights cut = cut_rows<kMaxVecs>(block.M);
  const bool several = cut.tiles + cut.lower > 1;
  for (int64_t j = 0; j < block.N; j += kStrip<T>) {
    const int64_t cols = block.N - j < kStrip<T> ? block.N - j : kStrip<T>;
    TileJob<T> part = job;
    part.packed_b = strip;
    if (block.B.col_stride != 1) {
      pack<T>(job.K, cols, {job.b, block.B.row_stride, block.B.col_stride}, strip, kStrip<T>);
      part.b = strip, part.b_row_stride = kStrip<T>;
    }
    if (part.b == job.b && block.reuse_b && several && cols == kStrip<T>) {
      multiply_strip_packing(cut, part);
    } else {
      multiply_columns(cut, cols, part);
    }
    job.b += kStrip<T> * block.B.col_stride;
    job.c += kStrip<T>;
    if (job.start) job.start += kStrip<T>;
  }
}

// A copy of many tiles of A: 1 MiB.
constexpr int64_t kTileStride = (kMaxRows<kMaxVecs> + 7) / 8 * 8, kTilesCopied = 32;
template <class T>
constexpr int64_t kCopyOfA = kTilesCopied* kDepth<T>* kTileStride;

// One k-panel of a large product, B packed: each tile of A stays in the first-level cache while all
// strips of B pass it from the second. Of an A whose rows are no rows in memory, 32 tiles are
// copied at a time: its columns may lie pages apart, so each is read for a good while.
template <class T>
void multiply_packed_tiles(const ProductBlock<T>& block, int64_t count, int64_t rows,
                           TileJob<T>& job) {
  for (int64_t tile = 0; tile < count; ++tile) {
    TileJob<T> part = job;
    if (job.a_col_stride != 1) {
      const int64_t left = count - tile, place = tile % kTilesCopied;
      if (place == 0) {
        pack_strips<T>(job.K, rows * (left < kTilesCopied ? left : kTilesCopied),
                       {job.a, job.a_col_stride, job.a_row_stride}, rows, kTileStride,
                       block.copy_of_a);
      }
      part.a = block.copy_of_a + place * job.K * kTileStride;
      part.a_row_stride = 1, part.a_col_stride = kTileStride;
    }
    for (int64_t j = 0; j < block.N; j += kStrip<T>) {
      const int64_t cols = block.N - j < kStrip<T> ? block.N - j : kStrip<T>;
      part.b = block.packed_b + j * job.K;
      multiply_columns({rows, 1, 0, 0}, cols, part);
      part.c += kStrip<T>;
      if (part.start) part.start += kStrip<T>;
    }
    job.a += rows * job.a_row_stride;
    job.c += rows * job.c_row_stride;
    if (job.start) job.start += rows * job.start_row_stride;
  }
}

template <class T>
void multiply_packed(const ProductBlock<T>& block, TileJob<T>& job) {
  const TileHeights cut = cut_rows<kMaxVecs>(block.M);
  job.b_row_stride = kStrip<T>;
  multiply_packed_tiles(block, cut.tiles, cut.rows, job);
  multiply_packed_tiles(block, cut.lower, cut.lower_rows, job);
}

// C = start + A B by k-panels of equal depth.
template <class T>
void multiply_panels(const ProductBlock<T>& block, TileJob<T>& job) {
  alignas(64) T strip[kDepth<T> * kStrip<T>];
  const int64_t K = block.K, panels = (K + kDepth<T> - 1) / kDepth<T>;
  for (int64_t panel = 0; panel < panels; ++panel) {
    const int64_t k = K * panel / panels;
    job.K = K * (panel + 1) / panels - k;
    job.a = block.A.data + k * block.A.col_stride;
    job.b = block.B.data + k * block.B.row_stride;
    multiply_panel(block, job, strip);
    job.start = block.C, job.start_row_stride = block.c_row_stride;
  }
}

template <class T>
void multiply(const ProductBlock<T>& block) {
  TileJob<T> job{.K = block.K,
                 .a = block.A.data,
                 .a_row_stride = block.A.row_stride,
                 .a_col_stride = block.A.col_stride,
                 .b = block.B.data,
                 .b_row_stride = block.B.row_stride,
                 .c = block.C,
                 .c_row_stride = block.c_row_stride,
                 .start = block.start,
                 .start_row_stride = block.start_row_stride,
                 .last = 0,
                 .packed_b = nullptr};
  if (block.packed_b) return multiply_packed(block, job);
  const bool in_place = block.B.col_stride == 1 && !block.reuse_b;
  if (block.K == 0 || (block.K <= kDepth<T> && in_place)) {
    multiply_in_place(block.M, block.N, job);
  } else {
    multiply_panels(block, job);
  }
}

template <class T>
constexpr MatmulKernels<T> table() {
  return {.multiply = multiply<T>,
          .pack_b = pack_b<T>,
          .tile_rows = kMaxRows<kMaxVecs>,
          .strip_cols = kStrip<T>,
          .copy_of_a = kCopyOfA<T>,
          .depth = kDepth<T>};
}
