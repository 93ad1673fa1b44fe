// The register tile: rows x vecs registers hold a block of C while k runs. Any strides: a packed
// panel is only another stride, so packed and unpacked products run the same code.
//
//                 b, one row:  b0 b1          one step of k, 12 x 2 tile, 16 floats a register:
//   a, one        ┌─────────┐                    2 loads        b0, b1
//   column:   a0  │ c00 c01 │                   12 broadcasts   a0 .. a11
//             ..  │         │ in registers      24 FMAs         c_iv = a_i * b_v + c_iv

// The tile, one row of b and one element of a fit the registers. Two FMAs of 4 cycles start in each
// cycle, so 8 registers of c are the least that keeps the units busy: one column needs tall tiles.
template <int kVecs>
constexpr int kMaxRows = kVecs == 1 ? (kRegisterCount == 32 ? 16 : 12)
                                    : (kRegisterCount - 4) / kVecs;
constexpr int kMaxVecs = 2;

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
  int last;  // columns in the last register of a partial tile, 1 .. kWidth
};

// One row of a tile, in memory and in registers. A partial tile uses only the first `last` columns
// of its last register, and touches nothing behind them.
template <int kVecs, bool kPartial, class T>
void load_row(const T* p, int last, Vec<T>* row) {
#pragma GCC unroll 4
  for (int v = 0; v < kVecs - kPartial; ++v) row[v] = Vec<T>::load(p + v * Vec<T>::kWidth);
  constexpr int kLast = kVecs - 1;
  if constexpr (kPartial) row[kLast] = Vec<T>::load_first(p + kLast * Vec<T>::kWidth, last);
}
template <int kVecs, bool kPartial, class T>
void store_row(const Vec<T>* row, T* p, int last) {
#pragma GCC unroll 4
  for (int v = 0; v < kVecs - kPartial; ++v) row[v].store(p + v * Vec<T>::kWidth);
  constexpr int kLast = kVecs - 1;
  if constexpr (kPartial) row[kLast].store_first(p + kLast * Vec<T>::kWidth, last);
}

template <class T, int kRows, int kVecs, bool kPartial>
void multiply_tile(const TileJob<T>& job) {
  const int last = job.last;
  Vec<T> acc[kRows][kVecs];
  if (job.start == nullptr) {
#pragma GCC unroll 32
    for (int i = 0; i < kRows; ++i) {
      for (int v = 0; v < kVecs; ++v) acc[i][v] = Vec<T>::broadcast(0);
    }
  } else {
    const T* const start = job.start;
    const int64_t stride = job.start_row_stride;
#pragma GCC unroll 32
    for (int i = 0; i < kRows; ++i) load_row<kVecs, kPartial>(start + i * stride, last, acc[i]);
  }

  // Rows 4q .. 4q + 3 of A are reached from one pointer: there are fewer addresses to keep and to
  // move than rows.
  constexpr int kPointers = (kRows + 3) / 4;
  const int64_t a_row = job.a_row_stride, a_col = job.a_col_stride, b_row = job.b_row_stride;
  const T* a[kPointers];
#pragma GCC unroll 8
  for (int q = 0; q < kPointers; ++q) a[q] = job.a + 4 * q * a_row;
  const T* b = job.b;
  for (int64_t k = job.K; k > 0; --k) {
    Vec<T> row_of_b[kVecs];
    load_row<kVecs, kPartial>(b, last, row_of_b);
#pragma GCC unroll 32
    for (int i = 0; i < kRows; ++i) {
      const Vec<T> element_of_a = Vec<T>::broadcast(a[i / 4][i % 4 * a_row]);
#pragma GCC unroll 4
      for (int v = 0; v < kVecs; ++v) acc[i][v] = fma(element_of_a, row_of_b[v], acc[i][v]);
    }
#pragma GCC unroll 8
    for (int q = 0; q < kPointers; ++q) a[q] += a_col;
    b += b_row;
  }

  T* const c = job.c;
  const int64_t stride = job.c_row_stride;
#pragma GCC unroll 32
  for (int i = 0; i < kRows; ++i) store_row<kVecs, kPartial>(acc[i], c + i * stride, last);
}

constexpr int at_most(int limit, int n) { return n < limit ? n : limit; }

// A tile of `rows` rows, 1 .. kMaxRows.
template <class T, int kVecs, bool kPartial>
void multiply_tile_of(int rows, const TileJob<T>& job) {
  constexpr int kMax = kMaxRows<kVecs>;
  switch (rows) {
    case 1:
      return multiply_tile<T, 1, kVecs, kPartial>(job);
    case 2:
      return multiply_tile<T, 2, kVecs, kPartial>(job);
    case 3:
      return multiply_tile<T, 3, kVecs, kPartial>(job);
    case 4:
      return multiply_tile<T, 4, kVecs, kPartial>(job);
    case 5:
      return multiply_tile<T, 5, kVecs, kPartial>(job);
    case 6:
      return multiply_tile<T, 6, kVecs, kPartial>(job);
    case 7:
      return multiply_tile<T, at_most(kMax, 7), kVecs, kPartial>(job);
    case 8:
      return multiply_tile<T, at_most(kMax, 8), kVecs, kPartial>(job);
    case 9:
      return multiply_tile<T, at_most(kMax, 9), kVecs, kPartial>(job);
    case 10:
      return multiply_tile<T, at_most(kMax, 10), kVecs, kPartial>(job);
    case 11:
      return multiply_tile<T, at_most(kMax, 11), kVecs, kPartial>(job);
    case 12:
      return multiply_tile<T, at_most(kMax, 12), kVecs, kPartial>(job);
    case 13:
      return multiply_tile<T, at_most(kMax, 13), kVecs, kPartial>(job);
    case 14:
      return multiply_tile<T, at_most(kMax, 14), kVecs, kPartial>(job);
    case 15:
      return multiply_tile<T, at_most(kMax, 15), kVecs, kPartial>(job);
    case 16:
      return multiply_tile<T, at_most(kMax, 16), kVecs, kPartial>(job);
  }
}

// M rows, one strip of columns: cut into tiles of balanced heights, so that no row is computed in
// vain and no tile is much flatter than the others. 32 rows, at most 14 a tile: 11 + 11 + 10.
template <class T, int kVecs, bool kPartial>
void multiply_strip(int64_t M, TileJob<T> job) {
  const int64_t tiles = (M + kMaxRows<kVecs> - 1) / kMaxRows<kVecs>;
  const int64_t rows = M / tiles, taller = M % tiles;  // the first `taller` have a row more
  for (int64_t tile = 0; tile < tiles; ++tile) {
    const int64_t height = rows + (tile < taller);
    multiply_tile_of<T, kVecs, kPartial>(static_cast<int>(height), job);
    job.a += height * job.a_row_stride;
    job.c += height * job.c_row_stride;
    if (job.start) job.start += height * job.start_row_stride;
  }
}

// C (M x N) = start + A B for the operands of `job`, which need not be packed. The outer loop is
// over strips of columns: a strip of B stays in the first-level cache while all rows of A pass it.
template <class T>
void multiply_block_from(int64_t M, int64_t N, TileJob<T> job) {
  constexpr int64_t kWidth = Vec<T>::kWidth, kStrip = kMaxVecs * kWidth;
  for (int64_t j = 0; j < N; j += kStrip) {
    const int64_t cols = N - j;
    job.last = static_cast<int>(cols <= kWidth ? cols : cols - kWidth);
    if (cols >= kStrip) {
      multiply_strip<T, 2, false>(M, job);
    } else if (cols > kWidth) {
      multiply_strip<T, 2, true>(M, job);
    } else if (cols == kWidth) {
      multiply_strip<T, 1, false>(M, job);
    } else {
      multiply_strip<T, 1, true>(M, job);
    }
    job.b += kStrip;
    job.c += kStrip;
    if (job.start) job.start += kStrip;
  }
}

// C = A B, or C += A B. REQUIRES: M, N >= 1, K >= 0; B and C have col_stride 1. At full speed when
// the operands are in cache.
template <class T>
void multiply_block(int64_t M, int64_t N, int64_t K, const T* A, int64_t a_row_stride,
                    int64_t a_col_stride, const T* B, int64_t b_row_stride, T* C,
                    int64_t c_row_stride, bool accumulate) {
  multiply_block_from<T>(M, N,
                         {.K = K,
                          .a = A,
                          .a_row_stride = a_row_stride,
                          .a_col_stride = a_col_stride,
                          .b = B,
                          .b_row_stride = b_row_stride,
                          .c = C,
                          .c_row_stride = c_row_stride,
                          .start = accumulate ? C : nullptr,
                          .start_row_stride = c_row_stride,
                          .last = 0});
}
