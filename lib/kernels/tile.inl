// The register tile: rows x vecs registers, each a Vec<T> (lib/simd), hold a block of C while k
// runs. Any strides: a packed panel (some rows of B, copied together) is only another stride, so
// packed and unpacked products run the same code.
//
//                 b, one row:  b0 b1          one step of k, 12 x 2 tile, 16 floats a register:
//   a, one        ┌─────────┐                    2 loads        b0, b1
//   column:   a0  │ c00 c01 │                   12 broadcasts   a0 .. a11, each repeated 16 times
//             ..  │         │ in registers      24 FMAs         c_iv = a_i * b_v + c_iv

// The tile, one row of b and one element of a fit the registers. Two FMAs (fused multiply-adds) of
// 4 cycles start in each cycle, so 8 registers of c are the least that keeps their units busy: one
// column needs tall tiles.
template <int kVecs>
constexpr int kMaxRows = kVecs == 1 ? (kRegisterCount == 32 ? 16 : 12)
                                    : (kRegisterCount - 4) / kVecs;
constexpr int kMaxVecs = 2;

template <class T>
constexpr int64_t kStrip = kMaxVecs* Vec<T>::kWidth;

template <class T>
struct TileJob {
  int64_t K;
  const T* a;
  int64_t a_row_stride, a_col_stride;
  const T* b;  // col_stride 1
  int64_t b_row_stride;
  T* c;  // col_stride 1
  int64_t c_row_stride;
  const T* start;  // what the sums begin with: nullptr for zero, C itself, a bias (row stride 0)
  int64_t start_row_stride;
  int last;         // columns in the last register of a partial tile, 1 .. kWidth
  T* packed_b;      // where a tile that packs leaves a copy of its B, in rows of kStrip numbers
};

// One row of a tile, in memory and in registers. A partial tile uses only the first `last` columns
// of its last register, and touches nothing behind them.
template <int kVecs, bool kPartial, class T>
void load_row(const T* p, typename Vec<T>::Part last, Vec<T>* row) {
#pragma GCC unroll 4
  for (int v = 0; v < kVecs - kPartial; ++v) row[v] = Vec<T>::load(p + v * Vec<T>::kWidth);
  constexpr int kLast = kVecs - 1;
  if constexpr (kPartial) row[kLast] = Vec<T>::load_part(p + kLast * Vec<T>::kWidth, last);
}
template <int kVecs, bool kPartial, class T>
void store_row(const Vec<T>* row, T* p, typename Vec<T>::Part last) {
#pragma GCC unroll 4
  for (int v = 0; v < kVecs - kPartial; ++v) row[v].store(p + v * Vec<T>::kWidth);
  constexpr int kLast = kVecs - 1;
  if constexpr (kPartial) row[kLast].store_part(p + kLast * Vec<T>::kWidth, last);
}

// A tile that packs B is the first to touch it, row after row, each perhaps on its own page (4 KiB
// of memory): no processor guesses that early enough. So it asks for rows far ahead.
constexpr int64_t kRowsAhead = 32;
template <class T>
constexpr int64_t kCacheLine = 64 / sizeof(T);

// One tile. Not inlined into the loop over tiles: the compiler would compute all row addresses
// before that loop, and has no registers to keep them.
template <class T, int kRows, int kVecs, bool kPartial, bool kPackB = false>
[[gnu::noinline]] void multiply_tile(const TileJob<T>& job) {
  const typename Vec<T>::Part last = Vec<T>::part(job.last);
  Vec<T> acc[kRows][kVecs];
  if (job.start == nullptr) {
#pragma GCC unroll 32
    for (int i = 0; i < kRows; ++i) {
      for (int v = 0; v < kVecs; ++v) acc[i][v] = Vec<T>::broadcast(0);
    }
  } else {
    const T* start = job.start;
    const int64_t stride = job.start_row_stride;
#pragma GCC unroll 32
    for (int i = 0; i < kRows; ++i, start += stride) load_row<kVecs, kPartial>(start, last, acc[i]);
  }

  // Rows 7q .. 7q + 6 of A are reached from one pointer (with s, 3s and 5s at hand, and scaled by 2
  // or 4 in the address): few pointers to keep, and few additions to steal a turn from the FMAs.
  constexpr int kReach = 7, kPointers = (kRows + kReach - 1) / kReach;
  const int64_t a_row = job.a_row_stride, a_col = job.a_col_stride, b_row = job.b_row_stride;
  const T* a[kPointers];
#pragma GCC unroll 8
  for (int q = 0; q < kPointers; ++q) a[q] = job.a + kReach * q * a_row;
  const T* b = job.b;
  T* packed_b = job.packed_b;
  for (int64_t k = job.K; k > 0; --k) {
    Vec<T> row_of_b[kVecs];
    load_row<kVecs, kPartial>(b, last, row_of_b);
#pragma GCC unroll 32
    for (int i = 0; i < kRows; ++i) {
      const Vec<T> element_of_a = Vec<T>::broadcast(a[i / kReach][i % kReach * a_row]);
#pragma GCC unroll 4
      for (int v = 0; v < kVecs; ++v) acc[i][v] = fma(element_of_a, row_of_b[v], acc[i][v]);
    }
    if constexpr (kPackB) {
      for (int64_t j = 0; j < kStrip<T>; j += kCacheLine<T>) {
        __builtin_prefetch(b + kRowsAhead * b_row + j);
      }
      store_row<kVecs, kPartial>(row_of_b, packed_b, last);
      packed_b += kStrip<T>;
    }
#pragma GCC unroll 8
    for (int q = 0; q < kPointers; ++q) a[q] += a_col;
    b += b_row;
  }

  T* c = job.c;
  const int64_t stride = job.c_row_stride;
#pragma GCC unroll 32
  for (int i = 0; i < kRows; ++i, c += stride) store_row<kVecs, kPartial>(acc[i], c, last);
}

// `count` tiles below one another; the job moves on to what lies below them.
template <class T, int kRows, int kVecs, bool kPartial, bool kPackB = false>
void multiply_tiles(int64_t count, TileJob<T>& job) {
  for (; count > 0; --count) {
    multiply_tile<T, kRows, kVecs, kPartial, kPackB>(job);
    job.a += kRows * job.a_row_stride;
    job.c += kRows * job.c_row_stride;
    if (job.start) job.start += kRows * job.start_row_stride;
  }
}

constexpr int at_most(int limit, int n) { return n < limit ? n : limit; }

// `count` tiles of `rows` rows, 1 .. kMaxRows.
template <class T, int kVecs, bool kPartial>
void multiply_tiles_of(int64_t rows, int64_t count, TileJob<T>& job) {
  constexpr int kMax = kMaxRows<kVecs>;
  switch (rows) {
    // clang-format off
    case 1: multiply_tiles<T, 1, kVecs, kPartial>(count, job); break;
    case 2: multiply_tiles<T, 2, kVecs, kPartial>(count, job); break;
    case 3: multiply_tiles<T, 3, kVecs, kPartial>(count, job); break;
    case 4: multiply_tiles<T, 4, kVecs, kPartial>(count, job); break;
    case 5: multiply_tiles<T, 5, kVecs, kPartial>(count, job); break;
    case 6: multiply_tiles<T, 6, kVecs, kPartial>(count, job); break;
    case 7: multiply_tiles<T, at_most(kMax, 7), kVecs, kPartial>(count, job); break;
    case 8: multiply_tiles<T, at_most(kMax, 8), kVecs, kPartial>(count, job); break;
    case 9: multiply_tiles<T, at_most(kMax, 9), kVecs, kPartial>(count, job); break;
    case 10: multiply_tiles<T, at_most(kMax, 10), kVecs, kPartial>(count, job); break;
    case 11: multiply_tiles<T, at_most(kMax, 11), kVecs, kPartial>(count, job); break;
    case 12: multiply_tiles<T, at_most(kMax, 12), kVecs, kPartial>(count, job); break;
    case 13: multiply_tiles<T, at_most(kMax, 13), kVecs, kPartial>(count, job); break;
    case 14: multiply_tiles<T, at_most(kMax, 14), kVecs, kPartial>(count, job); break;
    case 15: multiply_tiles<T, at_most(kMax, 15), kVecs, kPartial>(count, job); break;
    case 16: multiply_tiles<T, at_most(kMax, 16), kVecs, kPartial>(count, job); break;
      // clang-format on
  }
}

// M rows cut into tiles of balanced heights, so that no row is computed in vain and no tile is much
// flatter than the others. 32 rows, at most 14 a tile: 11 + 11 + 10.
struct TileHeights {
  int64_t rows, tiles;        // tiles of `rows` rows,
  int64_t lower_rows, lower;  // then tiles of one row less
};
template <int kVecs>
TileHeights cut_rows(int64_t M) {
  if (M <= kMaxRows<kVecs>) return {M, 1, 0, 0};  // the common small product pays no division
  const int64_t tiles = (M + kMaxRows<kVecs> - 1) / kMaxRows<kVecs>, rows = (M + tiles - 1) / tiles;
  const int64_t lower = rows * tiles - M;
  return {rows, tiles - lower, rows - 1, lower};
}

// The job is changed in place, and put back: copies of it would cost more than a small product.
template <class T, int kVecs, bool kPartial>
void multiply_strip(const TileHeights& cut, TileJob<T>& job) {
  const T *const a = job.a, *const start = job.start;
  T* const c = job.c;
  multiply_tiles_of<T, kVecs, kPartial>(cut.rows, cut.tiles, job);
  if (cut.lower > 0) multiply_tiles_of<T, kVecs, kPartial>(cut.lower_rows, cut.lower, job);
  job.a = a, job.c = c, job.start = start;
}

// One strip of `cols` columns, at most kStrip: in full registers, the last one perhaps in part.
template <class T>
void multiply_columns(const TileHeights& cut, int64_t cols, TileJob<T>& job) {
  constexpr int64_t kWidth = Vec<T>::kWidth;
  job.last = static_cast<int>(cols <= kWidth ? cols : cols - kWidth);
  if (cols == kStrip<T>) {
    multiply_strip<T, 2, false>(cut, job);
  } else if (cols > kWidth) {
    multiply_strip<T, 2, true>(cut, job);
  } else if (cols == kWidth) {
    multiply_strip<T, 1, false>(cut, job);
  } else {
    multiply_strip<T, 1, true>(cut, job);
  }
}

// C (M x N) = start + A B for the operands of `job`, which need not be packed. The outer loop is
// over strips of columns: a strip of B stays in the first-level cache while all rows of A pass it.
template <class T>
void multiply_in_place(int64_t M, int64_t N, TileJob<T>& job) {
  const TileHeights cut = cut_rows<kMaxVecs>(M);
  for (int64_t j = 0; j < N; j += kStrip<T>) {
    const int64_t cols = N - j < kStrip<T> ? N - j : kStrip<T>;
    multiply_columns(cols <= Vec<T>::kWidth ? cut_rows<1>(M) : cut, cols, job);
    job.b += kStrip<T>;
    job.c += kStrip<T>;
    if (job.start) job.start += kStrip<T>;
  }
}

// C = A B, or C += A B. REQUIRES: M, N >= 1, K >= 0; B and C have col_stride 1. At full speed when
// the operands are in cache.
template <class T>
void multiply_block(int64_t M, int64_t N, int64_t K, const T* A, int64_t a_row_stride,
                    int64_t a_col_stride, const T* B, int64_t b_row_stride, T* C,
                    int64_t c_row_stride, bool accumulate) {
  TileJob<T> job{.K = K,
                 .a = A,
                 .a_row_stride = a_row_stride,
                 .a_col_stride = a_col_stride,
                 .b = B,
                 .b_row_stride = b_row_stride,
                 .c = C,
                 .c_row_stride = c_row_stride,
                 .start = accumulate ? C : nullptr,
                 .start_row_stride = c_row_stride,
                 .last = 0,
                 .packed_b = nullptr};
  multiply_in_place(M, N, job);
}
