// Rung 1 of the ladder in lib/softmax.h. Three passes over a row: the maximum; exp(x - m), kept in
// y and summed by lanes; the product with 1 / total. Rows go together (rows.inl), and short ones
// stay in registers from the first pass to the last.

#include "lib/kernels/rows.inl"

#include "lib/kernels/softmax_backward.inl"

// A row of nothing but -inf has m = -inf, and x - m is NaN. If it shall be zero, the shift becomes
// 0, so that each exponential is 0, and so is the factor. A NaN in the row survives both.
template <class T>
void shift_of_empty_rows(T* m) {
  for (int r = 0; r < Vec<T>::kWidth; ++r) {
    m[r] = m[r] == static_cast<T>(-__builtin_inf()) ? 0 : m[r];
  }
}
template <class T>
void invert(T* total, bool empty_row_is_zero) {
  for (int r = 0; r < Vec<T>::kWidth; ++r) {
    const T inverse = 1 / total[r];
    total[r] = empty_row_is_zero && total[r] == 0 ? 0 : inverse;
  }
}

template <class T>
struct Scale {
  T* y;
  Lanes<T> factor;
  template <bool kWhole>
  void at(int64_t i, int rest) {
    store<kWhole>(mul(load<kWhole>(y + i, rest), factor), y + i, rest);
  }
};

// At most a register's width of rows.
template <class T, class Rows>
void softmax_together(int rows, int64_t n, Rows x, T* y, bool empty_row_is_zero) {
  constexpr int kRows = Vec<T>::kWidth;
  Lanes<T> part[kRows] = {};
  T m[kRows] = {}, factor[kRows] = {};
  for (int r = 0; r < rows; ++r) part[r] = max_lanes<T>(n, x.row(r));
  fold_rows<Max>(rows, part, m);
  if (empty_row_is_zero) shift_of_empty_rows(m);
  for (int r = 0; r < rows; ++r) part[r] = exp_lanes<true>(n, x.row(r), m[r], y + r * n);
  fold_rows<Add>(rows, part, factor);
  invert(factor, empty_row_is_zero);
  for (int r = 0; r < rows; ++r) {
    Scale<T> step = {y + r * n, Lanes<T>::broadcast(factor[r])};
    walk<T>(n, step);
  }
}

// Exactly a register's width of rows of at most 16 * kVectors numbers. The cache lines of the rows
// after the next are asked for early: each is touched for too short a time for the processor to
// notice by itself where this is going.
template <int kVectors, bool kTail, class T, class Rows>
void softmax_short(int64_t n, Rows x, T* y, bool empty_row_is_zero) {
  constexpr int kRows = Vec<T>::kWidth, kCount = Lanes<T>::kCount, kLast = kVectors - 1;
  const int rest = static_cast<int>(n) - kLast * kCount;
  Lanes<T> e[kRows][kVectors], part[kRows];
  T m[kRows], factor[kRows];
  for (int r = 0; r < kRows; ++r) {
    const auto row = x.row(r);
    for (int v = 0; v < kVectors; ++v) {
      e[r][v] = kTail && v == kLast ? row.load_first(v * kCount, rest) : row.load(v * kCount);
      part[r] = v == 0 ? e[r][v] : max(part[r], e[r][v]);
      ask_for(row.x + 2 * kRows * n + v * kCount);
    }
  }
  fold_rows<Max>(kRows, part, m);
  if (empty_row_is_zero) shift_of_empty_rows(m);
  for (int r = 0; r < kRows; ++r) {
    const Lanes<T> shift = Lanes<T>::broadcast(m[r]);
    for (int v = 0; v < kVectors; ++v) {
      e[r][v] = exp_nonpositive(sub(e[r][v], shift));
      part[r] = v == 0 ? e[r][v] : add(part[r], e[r][v]);
    }
  }
  fold_rows<Add>(kRows, part, factor);
  invert(factor, empty_row_is_zero);
  for (int r = 0; r < kRows; ++r) {
    const Lanes<T> by = Lanes<T>::broadcast(factor[r]);
    T* const row = y + r * n;
    for (int v = 0; v < kVectors; ++v) {
      const Lanes<T> weights = mul(e[r][v], by);
      if (kTail && v == kLast) weights.store_first(row + v * kCount, rest);
      if (!kTail || v < kLast) weights.store(row + v * kCount);
      ask_for(row + 2 * kRows * n + v * kCount);
    }
  }
}

template <int kVectors, class T, class Rows>
int64_t softmax_short_rows(int64_t rows, int64_t n, Rows x, T* y, bool empty_row_is_zero) {
  constexpr int kRows = Vec<T>::kWidth;
  const bool full = n == kVectors * Lanes<T>::kCount;
  int64_t row = 0;
  for (; row + kRows <= rows; row += kRows) {
    if (full) softmax_short<kVectors, false>(n, x.from(row), y + row * n, empty_row_is_zero);
    if (!full) softmax_short<kVectors, true>(n, x.from(row), y + row * n, empty_row_is_zero);
  }
  return row;
}

template <class T, class Rows>
void softmax_of(int64_t rows, int64_t n, Rows x, T* y, bool empty_row_is_zero) {
  const int64_t vectors = (n + Lanes<T>::kCount - 1) / Lanes<T>::kCount;
  int64_t row = 0;
  if (vectors == 1) row = softmax_short_rows<1>(rows, n, x, y, empty_row_is_zero);
  if (vectors == 2) row = softmax_short_rows<2>(rows, n, x, y, empty_row_is_zero);
  if (vectors == 3) row = softmax_short_rows<3>(rows, n, x, y, empty_row_is_zero);
  if (vectors == 4) row = softmax_short_rows<4>(rows, n, x, y, empty_row_is_zero);
  const int together = rows_together<T>(n);
  for (; row < rows; row += together) {
    const int count = static_cast<int>(rows - row < together ? rows - row : together);
    softmax_together(count, n, x.from(row), y + row * n, empty_row_is_zero);
  }
}

template <class T>
struct PlainRows {
  const T* x;
  int64_t n;
  PlainRow<T> row(int64_t r) const { return {x + r * n}; }
  PlainRows from(int64_t r) const { return {x + r * n, n}; }
};
template <class T>
struct MaskedRows {
  const T* x;
  int64_t n;
  const bool* allowed;
  int64_t stride;  // from one row's mask to the next
  MaskedRow<T> row(int64_t r) const { return {x + r * n, allowed + r * stride}; }
  MaskedRows from(int64_t r) const { return {x + r * n, n, allowed + r * stride, stride}; }
};

template <class T>
void softmax_rows(int64_t rows, int64_t n, const T* x, T* y, bool empty_row_is_zero) {
  softmax_of(rows, n, PlainRows<T>{x, n}, y, empty_row_is_zero);
}
template <class T>
void masked_softmax_rows(int64_t rows, int64_t n, const T* x, const bool* allowed, int64_t stride,
                         T* y) {
  softmax_of(rows, n, MaskedRows<T>{x, n, allowed, stride}, y, true);
}

template <class T>
constexpr Kernels<T> table() {
  return {
      .softmax_rows = softmax_rows<T>,
      .masked_softmax_rows = masked_softmax_rows<T>,
      .softmax_backward_rows = softmax_backward_rows<T>,
      .log_softmax_rows = log_softmax_rows<T>,
      .log_softmax_backward_rows = log_softmax_backward_rows<T>,
  };
}
