// Kernels of lib/layer_norm.h. A row is read three times and written once, but only the first time
// from memory: as many rows go together as the first cache holds (together.inl), through
//
//   forward     mean = Σ x / n,   Σ (x - mean)²,   y = (x - mean) inverse gamma + beta
//   backward    Σ dn and Σ dn (x - mean),  dn = dy gamma;   then dx, dgamma and dbeta
//
// With kCentered false, the mean counts as 0 and its part of the slope is left out: rms_norm.

#include "lib/kernels/layer_norm_backward.inl"

template <bool kCentered, int kRows, class T>
struct SquaresStep {
  const T *x, *mean;
  int64_t n, ahead;
  Lanes<T> total[kRows];
  template <bool kWhole>
  void at(int64_t i, int rest) {
    for (int r = 0; r < kRows; ++r) {
      Lanes<T> d = load<kWhole>(x + r * n + i, rest);
      if constexpr (kCentered) {  // beyond the row stands the mean, whose distance is 0
        const Lanes<T> m = Lanes<T>::broadcast(mean[r]);
        d = sub(kWhole ? d : Lanes<T>::load_first(x + r * n + i, rest, mean[r]), m);
      }
      total[r] = fma(d, d, total[r]);
      ask_for(x + r * n + i + ahead);
    }
  }
};

template <bool kCentered, int kRows, class T>
struct NormStep {
  const T *x, *mean, *inverse, *gamma, *beta;
  T* y;
  int64_t n, ahead;
  template <bool kWhole>
  void at(int64_t i, int rest) {
    const Lanes<T> g = load<kWhole>(gamma + i, rest);
    for (int r = 0; r < kRows; ++r) {
      const Lanes<T> d = centered<kCentered, kWhole>(x + r * n + i, rest, mean, r);
      const Lanes<T> normal = mul(d, Lanes<T>::broadcast(inverse[r]));
      ask_for(y + r * n + i + ahead);
      if constexpr (kCentered) {
        store<kWhole>(fma(normal, g, load<kWhole>(beta + i, rest)), y + r * n + i, rest);
      } else {
        store<kWhole>(mul(normal, g), y + r * n + i, rest);
      }
    }
  }
};

template <bool kCentered, int kRows, class T>
void squares_of(int64_t n, const T* x, const T* mean, int64_t ahead, Lanes<T>* part) {
  SquaresStep<kCentered, kRows, T> step = {x, mean, n, ahead, {}};
  walk<T>(n, step);
  for (int r = 0; r < kRows; ++r) part[r] = step.total[r];
}

template <bool kCentered, class T>
void norm_together(int rows, int64_t n, const T* x, const T* gamma, const T* beta, T eps, T* y,
                   T* mean, T* inverse, int64_t ahead) {
  constexpr int kMost = Vec<T>::kWidth;
  const T count = static_cast<T>(n);
  Lanes<T> part[kMost] = {};
  T m[kMost] = {}, s[kMost] = {};
  if constexpr (kCentered) {
    sum_lanes(rows, n, x, part);
    fold_rows<Add>(rows, part, m);
    for (int r = 0; r < kMost; ++r) m[r] = m[r] / count;
  }
  int r = 0;
  for (; r + 4 <= rows; r += 4) squares_of<kCentered, 4>(n, x + r * n, m + r, ahead, part + r);
  for (; r < rows; ++r) squares_of<kCentered, 1>(n, x + r * n, m + r, ahead, part + r);
  fold_rows<Add>(rows, part, s);
  const Vec<T> variance = Vec<T>::load(s) / Vec<T>::broadcast(count);
  (Vec<T>::broadcast(1) / sqrt(variance + Vec<T>::broadcast(eps))).store(s);
  for (r = 0; r + 4 <= rows; r += 4) {
    NormStep<kCentered, 4, T> step = {x + r * n, m + r, s + r, gamma, beta, y + r * n, n, ahead};
    walk<T>(n, step);
  }
  for (; r < rows; ++r) {
    NormStep<kCentered, 1, T> step = {x + r * n, m + r, s + r, gamma, beta, y + r * n, n, ahead};
    walk<T>(n, step);
  }
  for (r = 0; r < rows; ++r) {
    if constexpr (kCentered) mean[r] = m[r];
    inverse[r] = s[r];
  }
}

template <bool kCentered, class T>
void norm_rows(int64_t rows, int64_t n, const T* x, const T* gamma, const T* beta, T eps, T* y,
               T* mean, T* inverse, bool from_memory) {
  const int together = norms_together<T>(2 * n);
  for (int64_t row = 0; row < rows; row += together) {
    const int count = static_cast<int>(rows - row < together ? rows - row : together);
    norm_together<kCentered>(count, n, x + row * n, gamma, beta, eps, y + row * n,
                             kCentered ? mean + row : nullptr, inverse + row,
                             from_memory ? together * n : 0);
  }
}

template <class T>
constexpr Kernels<T> table() {
  return {
      .layer_norm_rows = norm_rows<true, T>,
      .rms_norm_rows = norm_rows<false, T>,
      .layer_norm_backward_rows = norm_backward_rows<true, T>,
      .rms_norm_backward_rows = norm_backward_rows<false, T>,
  };
}
