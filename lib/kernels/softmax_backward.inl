// The slope of softmax, and log_softmax both ways: each one sum over a row, then one pass.

#include "lib/kernels/sums.inl"

//   dx = y (dy - Σ dy y)
template <class T>
struct SoftmaxSlope {
  const T *dy, *y;
  T* dx;
  Lanes<T> sum_dy_y;
  int64_t ahead;
  template <bool kWhole>
  void at(int64_t i, int rest) {
    const Lanes<T> slope = sub(load<kWhole>(dy + i, rest), sum_dy_y);
    ask_for(dy + i + ahead);
    ask_for(y + i + ahead);
    ask_for(dx + i + ahead);
    store<kWhole>(mul(load<kWhole>(y + i, rest), slope), dx + i, rest);
  }
};

template <class T>
void softmax_backward_rows(int64_t rows, int64_t n, const T* dy, const T* y, T* dx,
                           bool from_memory) {
  const int together = rows_together<T>(4 * n);
  Lanes<T> part[Vec<T>::kWidth] = {};
  T total[Vec<T>::kWidth] = {};
  const int64_t ahead = from_memory && together > 1 ? together * n : 0;
  for (int64_t row = 0; row < rows; row += together) {
    const int count = static_cast<int>(rows - row < together ? rows - row : together);
    dot_lanes(count, n, dy + row * n, y + row * n, part);
    fold_rows<Add>(count, part, total);
    for (int r = 0; r < count; ++r) {
      const int64_t i = (row + r) * n;
      SoftmaxSlope<T> step = {dy + i, y + i, dx + i, Lanes<T>::broadcast(total[r]), ahead};
      walk<T>(n, step);
    }
  }
}

//   y = (x - m) - log Σ exp(x - m)
template <class T>
struct ShiftTwice {
  const T* x;
  T* y;
  Lanes<T> m, log_total;
  template <bool kWhole>
  void at(int64_t i, int rest) {
    store<kWhole>(sub(sub(load<kWhole>(x + i, rest), m), log_total), y + i, rest);
  }
};

template <class T>
void log_softmax_rows(int64_t rows, int64_t n, const T* x, T* y) {
  constexpr int kRows = Vec<T>::kWidth;
  const int together = rows_together<T>(n);
  Lanes<T> part[kRows] = {};
  T m[kRows] = {}, total[kRows] = {};
  for (int64_t row = 0; row < rows; row += together) {
    const int count = static_cast<int>(rows - row < together ? rows - row : together);
    const T* const from = x + row * n;
    for (int r = 0; r < count; ++r) part[r] = max_lanes<T>(n, PlainRow<T>{from + r * n});
    fold_rows<Max>(count, part, m);
    for (int r = 0; r < count; ++r) {
      part[r] = exp_lanes<false>(n, PlainRow<T>{from + r * n}, m[r], y);
    }
    fold_rows<Add>(count, part, total);
    log(Vec<T>::load(total)).store(total);
    for (int r = 0; r < count; ++r) {
      ShiftTwice<T> step = {from + r * n, y + (row + r) * n, Lanes<T>::broadcast(m[r]),
                            Lanes<T>::broadcast(total[r])};
      walk<T>(n, step);
    }
  }
}

//   dx = dy - exp(y) Σ dy
template <class T>
struct LogSoftmaxSlope {
  const T *dy, *y;
  T* dx;
  Lanes<T> minus_sum;
  template <bool kWhole>
  void at(int64_t i, int rest) {
    const Lanes<T> weights = exp_nonpositive(load<kWhole>(y + i, rest));
    store<kWhole>(fma(weights, minus_sum, load<kWhole>(dy + i, rest)), dx + i, rest);
  }
};

template <class T>
void log_softmax_backward_rows(int64_t rows, int64_t n, const T* dy, const T* y, T* dx) {
  const int together = rows_together<T>(4 * n);
  Lanes<T> part[Vec<T>::kWidth] = {};
  T total[Vec<T>::kWidth] = {};
  for (int64_t row = 0; row < rows; row += together) {
    const int count = static_cast<int>(rows - row < together ? rows - row : together);
    sum_lanes(count, n, dy + row * n, part);
    fold_rows<Add>(count, part, total);
    for (int r = 0; r < count; ++r) {
      const int64_t i = (row + r) * n;
      LogSoftmaxSlope<T> step = {dy + i, y + i, dx + i, Lanes<T>::broadcast(-total[r])};
      walk<T>(n, step);
    }
  }
}
