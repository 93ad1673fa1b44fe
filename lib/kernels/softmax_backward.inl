// The slope of softmax, and log_softmax both ways: each one sum over a row, then one pass.

#include "lib/kernels/sums.inl"

//   dx = y (dy - Σ dy y)
template <class T, bool kAhead>
struct SoftmaxSlope {
  const T *dy, *y;
  T* dx;
  Lanes<T> sum_dy_y;
  int64_t ahead;
  template <bool kWhole>
  void at(int64_t i, int rest) {
    const Lanes<T> slope = sub(load<kWhole>(dy + i, rest), sum_dy_y);
    if constexpr (kAhead) {
      ask_for(dy + i + ahead);
      ask_for(y + i + ahead);
      ask_for(dx + i + ahead);
    }
    store<kWhole>(mul(load<kWhole>(y + i, rest), slope), dx + i, rest);
  }
};

// Long rows go four together although the first cache cannot keep them: the second can, and four
// sums side by side save more than it costs.
template <class T>
int rows_together_backward(int64_t n) {
  constexpr int kSums = Vec<T>::kWidth < 4 ? Vec<T>::kWidth : 4;
  constexpr int64_t kLongestRow = kBytesTogether / static_cast<int64_t>(sizeof(T)) / 2;
  const int few = rows_together<T>(4 * n);
  return few < kSums && n >= kLongRow && n <= kLongestRow ? kSums : few;
}

template <bool kAhead, class T>
void softmax_backward_rows_of(int64_t rows, int64_t n, const T* dy, const T* y, T* dx) {
  const int together = rows_together_backward<T>(n);
  Lanes<T> part[Vec<T>::kWidth] = {};
  T total[Vec<T>::kWidth] = {};
  for (int64_t row = 0; row < rows; row += together) {
    const int count = static_cast<int>(rows - row < together ? rows - row : together);
    dot_lanes(count, n, dy + row * n, y + row * n, part);
    fold_rows<Add>(count, part, total);
    for (int r = 0; r < count; ++r) {
      const int64_t i = (row + r) * n;
      SoftmaxSlope<T, kAhead> step = {dy + i, y + i, dx + i, Lanes<T>::broadcast(total[r]),
                                      together * n};
      walk<T>(n, step);
    }
  }
}

template <class T>
void softmax_backward_rows(int64_t rows, int64_t n, const T* dy, const T* y, T* dx,
                           bool from_memory) {
  if (from_memory && rows_together_backward<T>(n) > 1) {
    softmax_backward_rows_of<true>(rows, n, dy, y, dx);
  } else {
    softmax_backward_rows_of<false>(rows, n, dy, y, dx);
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
  const int together = rows_together_backward<T>(n);
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
