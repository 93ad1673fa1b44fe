// Kernels of lib/cross_entropy.h. Forward reads the scores once from memory, in groups of rows that
// the first cache keeps (rows.inl), and writes three numbers a row; backward computes p again from
// them, which costs less than reading it would.

#include "lib/kernels/rows.inl"

#include "lib/kernels/sums.inl"

template <class T>
void cross_entropy_rows(int64_t rows, int64_t n, T smoothing, const T* x, const int64_t* target,
                        T* loss, T* m, T* inverse) {
  constexpr int kRows = Vec<T>::kWidth;
  const int together = rows_together<T>(n);
  Lanes<T> part[kRows] = {};
  T largest[kRows] = {}, total[kRows] = {}, log_total[kRows] = {}, sum_x[kRows] = {};
  for (int64_t row = 0; row < rows; row += together) {
    const int count = static_cast<int>(rows - row < together ? rows - row : together);
    const T* const from = x + row * n;
    for (int r = 0; r < count; ++r) part[r] = max_lanes<T>(n, PlainRow<T>{from + r * n});
    fold_rows<Max>(count, part, largest);
    for (int r = 0; r < count; ++r) {
      T* const nowhere = nullptr;
      part[r] = exp_lanes<false>(n, PlainRow<T>{from + r * n}, largest[r], nowhere);
    }
    fold_rows<Add>(count, part, total);
    log(Vec<T>::load(total)).store(log_total);
    if (smoothing > 0) {
      sum_lanes(count, n, from, part);
      fold_rows<Add>(count, part, sum_x);
    }
    for (int r = 0; r < count; ++r) {
      const int64_t right = target[row + r];
      m[row + r] = largest[r];
      inverse[row + r] = 1 / total[r];
      T surprise = 0;
      if (right >= 0) {
        surprise = log_total[r] - (1 - smoothing) * (from[r * n + right] - largest[r]);
        if (smoothing > 0) surprise -= smoothing * (sum_x[r] / static_cast<T>(n) - largest[r]);
      }
      loss[row + r] = surprise;
    }
  }
}

// dx = weight p - weight s / n
template <class T>
struct CrossEntropySlope {
  const T* x;
  T* dx;
  Lanes<T> m, scale, minus_share;
  template <bool kWhole>
  void at(int64_t i, int rest) {
    const Lanes<T> e = exp_nonpositive(sub(load<kWhole>(x + i, rest), m));
    store<kWhole>(fma(e, scale, minus_share), dx + i, rest);
  }
};

template <class T>
void cross_entropy_backward_rows(int64_t rows, int64_t n, T smoothing, T weight, const T* x,
                                 const int64_t* target, const T* m, const T* inverse, T* dx) {
  const Lanes<T> minus_share = Lanes<T>::broadcast(-(weight * smoothing / static_cast<T>(n)));
  for (int64_t row = 0; row < rows; ++row, x += n, dx += n) {
    if (target[row] < 0) {
      for (int64_t i = 0; i < n; ++i) dx[i] = 0;
      continue;
    }
    CrossEntropySlope<T> step = {x, dx, Lanes<T>::broadcast(m[row]),
                                 Lanes<T>::broadcast(weight * inverse[row]), minus_share};
    walk<T>(n, step);
    dx[target[row]] -= weight * (1 - smoothing);
  }
}

template <class T>
constexpr Kernels<T> table() {
  return {.forward = cross_entropy_rows<T>, .backward = cross_entropy_backward_rows<T>};
}
