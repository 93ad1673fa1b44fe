// Cache blocks and packing, around the register tile of tile.inl. A block of C gets its whole sum
// here, k-panel after k-panel; C carries the chains from one panel to the next.
//
//                     one strip of B: 384 x 32 floats, 48 KiB, first-level cache
//                     ┌──┬──┬──┬──┐
//        k-panel      │▓▓│  │  │  │
//       ┌────────┐    └──┴──┴──┴──┘     for each k-panel
//       │1111111▒│    ┌──┬──┬──┬──┐       for each strip of B
//       │2222222▒│    │▓▓│  │  │  │ C       for each tile of rows: multiply
//       │3333333▒│    │  │  │  │  │
//       └────────┘    └──┴──┴──┴──┘     The first strip leaves a packed copy of A behind, the first
//        A: 512 x 384 floats,           tile of each strip one of B: their loads are done anyway,
//        768 KiB, second-level cache    and the FMAs leave the store unit idle.

#include "lib/kernels/tile.inl"

// Packing changes strides, nothing else. What lies far apart in the source (a row every few pages,
// in the same few sets of the cache) lies together afterwards, in the order of use.
//
//   A, tile by tile, k-major:   a00 a10 .. a13,0 | a01 a11 .. a13,1 | ..   (tiles of 14 rows)
//   B, strip by strip:          b00 b01 .. b0,31 | b10 b11 .. b1,31 | ..   (strips of 32 columns)

// A strip of B whose columns lie behind one another is transposed beforehand, by blocks of kPiece
// rows x kWidth columns. Where the size is no multiple, the last blocks overlap the ones before
// them: 20 columns by 16 are [0 .. 15], then [4 .. 19].
template <class T>
void pack_transposed(int64_t K, int64_t cols, const T* B, int64_t col_stride, T* strip) {
  constexpr int64_t kWidth = Vec<T>::kWidth, kRows = kPiece<T>;
  for (int64_t col = 0; col < cols; col += kWidth) {
    const int64_t j = col + kWidth <= cols ? col : cols - kWidth;
    for (int64_t row = 0; row < K; row += kRows) {
      const int64_t k = row + kRows <= K ? row : K - kRows;
      Vec<T> block[kRows];
      load_columns(B + k + j * col_stride, col_stride, block);
#pragma GCC unroll 4
      for (int64_t r = 0; r < kRows; ++r) block[r].store(strip + (k + r) * kStrip<T> + j);
    }
  }
}

template <class T>
void pack_strip(int64_t K, int64_t cols, Matrix<const T> B, T* strip) {
  if (B.row_stride == 1 && K >= kPiece<T> && cols >= Vec<T>::kWidth) {
    return pack_transposed(K, cols, B.data, B.col_stride, strip);
  }
  for (int64_t k = 0; k < K; ++k) {
    for (int64_t j = 0; j < cols; ++j) {
      strip[k * kStrip<T> + j] = B.data[k * B.row_stride + j * B.col_stride];
    }
  }
}

// `count` tiles that pack. There are two tiles or more, so all are at least half the highest.
template <class T, int kRows>
void multiply_tiles_packing(int64_t rows, int64_t count, int packing, TileJob<T>& job) {
  if constexpr (2 * kRows >= kMaxRows<kMaxVecs>) {
    if (rows != kRows) return multiply_tiles_packing<T, kRows - 1>(rows, count, packing, job);
    switch (packing) {
      // clang-format off
      case kPackA: multiply_tiles<T, kRows, kMaxVecs, false, kPackA>(count, job); break;
      case kPackB: multiply_tiles<T, kRows, kMaxVecs, false, kPackB>(count, job); break;
      case kPackBoth: multiply_tiles<T, kRows, kMaxVecs, false, kPackBoth>(count, job); break;
      default: multiply_tiles<T, kRows, kMaxVecs, false>(count, job);
        // clang-format on
    }
  }
}

// A whole strip. Its first tile packs B and all of its tiles pack A, as far as `packing` says.
template <class T>
void multiply_strip_packing(const TileHeights& cut, int packing, TileJob<T> job) {
  constexpr int kHighest = kMaxRows<kMaxVecs>;
  multiply_tiles_packing<T, kHighest>(cut.rows, 1, packing, job);
  if (packing & kPackB) job.b = job.packed_b, job.b_row_stride = kStrip<T>;
  multiply_tiles_packing<T, kHighest>(cut.rows, cut.tiles - 1, packing & kPackA, job);
  multiply_tiles_packing<T, kHighest>(cut.lower_rows, cut.lower, packing & kPackA, job);
}

// One k-panel. `strip` has room for a strip of B; packed_a for all of A, or is nullptr.
template <class T>
void multiply_panel(const ProductBlock<T>& block, TileJob<T> job, T* strip) {
  const TileHeights cut = cut_rows<kMaxVecs>(block.M);
  const bool several = cut.tiles + cut.lower > 1, transposed = block.B.col_stride != 1;
  for (int64_t j = 0; j < block.N; j += kStrip<T>) {
    const int64_t cols = block.N - j < kStrip<T> ? block.N - j : kStrip<T>;
    const bool whole = several && cols == kStrip<T>;
    TileJob<T> part = job;
    if (transposed) {
      pack_strip(job.K, cols, {job.b, block.B.row_stride, block.B.col_stride}, strip);
      part.b = strip, part.b_row_stride = kStrip<T>;
    }
    const bool pack_a = whole && block.packed_a && j == 0;
    const bool pack_b = whole && block.pack_b && !transposed;
    if (block.prefetch && !transposed && j + 2 * kStrip<T> <= block.N) {
      part.next_b = job.b + kStrip<T>;
      part.next_b_stride = job.b_row_stride;
      part.next_rows = job.K / (cut.tiles + cut.lower);
    }
    if (pack_a || pack_b) {
      part.packed_a = block.packed_a, part.packed_b = strip;
      multiply_strip_packing(cut, (pack_a ? kPackA : 0) | (pack_b ? kPackB : 0), part);
    } else {
      multiply_columns(cut, cols, part);
    }
    if (pack_a) job.a = block.packed_a, job.a_is_packed = true;
    job.b += kStrip<T> * block.B.col_stride;
    job.c += kStrip<T>;
    if (job.start) job.start += kStrip<T>;
  }
}

// With 128 bytes a row, a strip of B takes 48 KiB: all of the first-level cache, measured better
// than half of it, since C is then loaded and stored less often.
template <class T>
constexpr int64_t kDepth = 1536 / sizeof(T);

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
                 .a_is_packed = false,
                 .b = block.B.data,
                 .b_row_stride = block.B.row_stride,
                 .c = block.C,
                 .c_row_stride = block.c_row_stride,
                 .start = block.start,
                 .start_row_stride = block.start_row_stride,
                 .last = 0,
                 .packed_a = nullptr,
                 .packed_b = nullptr,
                 .next_b = nullptr,
                 .next_b_stride = 0,
                 .next_rows = 0};
  const bool in_place = block.B.col_stride == 1 && !block.pack_b && block.packed_a == nullptr;
  if (block.K == 0 || (block.K <= kDepth<T> && in_place)) {
    multiply_in_place(block.M, block.N, job);
  } else {
    multiply_panels(block, job);
  }
}

template <class T>
constexpr MatmulKernels<T> table() {
  return {.multiply = multiply<T>,
          .tile_rows = kMaxRows<kMaxVecs>,
          .strip_cols = kStrip<T>,
          .depth = kDepth<T>};
}
