// The slope of softmax, and log_softmax both ways: each one sum over a row, then one pass.

#include "lib/kernels/sums.inl"

//   dx = y (dy - Σ dy y)
template <class T>
void softmax_backward_row(int64_t n, const T* dy, const T* y, T sum_dy_y, T* dx) {
  constexpr int kCount = Lanes<T>::kCount;
  const Lanes<T> s = Lanes<T>::broadcast(sum_dy_y);
  int64_t i = 0;
  for (; i + kCount <= n; i += kCount) {
    mul(Lanes<T>::load(y + i), sub(Lanes<T>::load(dy + i), s)).store(dx + i);
  }
  const int rest = static_cast<int>(n - i);
  if (rest > 0) {
    mul(Lanes<T>::load_first(y + i, rest), sub(Lanes<T>::load_first(dy + i, rest), s))
        .store_first(dx + i, rest);
  }
}

template <class T>
void softmax_backward_rows(int64_t rows, int64_t n, const T* dy, const T* y, T* dx) {
  const int together = rows_together<T>(2 * n);
  Lanes<T> part[Vec<T>::kWidth] = {};
  T total[Vec<T>::kWidth] = {};
  for (int64_t row = 0; row < rows; row += together) {
    const int count = static_cast<int>(rows - row < together ? rows - row : together);
    const int64_t at = row * n;
    dot_lanes(count, n, dy + at, y + at, part);
    fold_rows<Add>(count, part, total);
    for (int r = 0; r < count; ++r) {
      const int64_t i = at + r * n;
      softmax_backward_row(n, dy + i, y + i, total[r], dx + i);
    }
  }
}

//   y = (x - m) - log Σ exp(x - m)
template <class T>
void log_softmax_rows(int64_t rows, int64_t n, const T* x, T* y) {
  constexpr int kRows = Vec<T>::kWidth, kCount = Lanes<T>::kCount;
  const int together = rows_together<T>(n);
  Lanes<T> part[kRows] = {};
  T m[kRows], total[kRows] = {};
  for (int64_t row = 0; row < rows; row += together) {
    const int count = static_cast<int>(rows - row < together ? rows - row : together);
    for (int r = 0; r < count; ++r) part[r] = max_lanes<T>(n, PlainRow<T>{x + (row + r) * n});
    fold_rows<Max>(count, part, m);
    for (int r = 0; r < count; ++r) {
      part[r] = exp_lanes<false>(n, PlainRow<T>{x + (row + r) * n}, m[r], y);
    }
    fold_rows<Add>(count, part, total);
    log(Vec<T>::load(total)).store(total);
    for (int r = 0; r < count; ++r) {
      const T* const from = x + (row + r) * n;
      T* const to = y + (row + r) * n;
      const Lanes<T> shift = Lanes<T>::broadcast(m[r]), log_total = Lanes<T>::broadcast(total[r]);
      int64_t i = 0;
      for (; i + kCount <= n; i += kCount) {
        sub(sub(Lanes<T>::load(from + i), shift), log_total).store(to + i);
      }
      const int rest = static_cast<int>(n - i);
      if (rest > 0) {
        sub(sub(Lanes<T>::load_first(from + i, rest), shift), log_total).store_first(to + i, rest);
      }
    }
  }
}

//   dx = dy - exp(y) Σ dy
template <class T>
void log_softmax_backward_rows(int64_t rows, int64_t n, const T* dy, const T* y, T* dx) {
  constexpr int kCount = Lanes<T>::kCount;
  const int together = rows_together<T>(2 * n);
  Lanes<T> part[Vec<T>::kWidth] = {};
  T total[Vec<T>::kWidth] = {};
  for (int64_t row = 0; row < rows; row += together) {
    const int count = static_cast<int>(rows - row < together ? rows - row : together);
    sum_lanes(count, n, dy + row * n, part);
    fold_rows<Add>(count, part, total);
    for (int r = 0; r < count; ++r) {
      const int64_t at = (row + r) * n;
      const Lanes<T> minus_total = Lanes<T>::broadcast(-total[r]);
      int64_t i = 0;
      for (; i + kCount <= n; i += kCount) {
        const Lanes<T> weights = exp_nonpositive(Lanes<T>::load(y + at + i));
        fma(weights, minus_total, Lanes<T>::load(dy + at + i)).store(dx + at + i);
      }
      const int rest = static_cast<int>(n - i);
      if (rest > 0) {
        const Lanes<T> weights = exp_nonpositive(Lanes<T>::load_first(y + at + i, rest));
        fma(weights, minus_total, Lanes<T>::load_first(dy + at + i, rest))
            .store_first(dx + at + i, rest);
      }
    }
  }
}
