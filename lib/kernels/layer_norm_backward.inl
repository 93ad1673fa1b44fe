// The backward half of layer_norm.inl. normal = (x - mean) inverse is computed again from x: that
// costs two instructions where keeping it would cost a pass through memory.

#include "lib/kernels/sums.inl"

#include "lib/kernels/together.inl"

// Four rows at least, for their chains of additions (sums.inl).
template <class T>
int norms_together(int64_t n) {
  constexpr int kLeast = Vec<T>::kWidth < 4 ? Vec<T>::kWidth : 4;
  const int fit = rows_together<T>(n);
  return fit > kLeast ? fit : kLeast;
}

// x - mean[r], or x itself.
template <bool kCentered, bool kWhole, class T>
Lanes<T> centered(const T* x, int rest, const T* mean, int r) {
  if constexpr (kCentered) return sub(load<kWhole>(x, rest), Lanes<T>::broadcast(mean[r]));
  return load<kWhole>(x, rest);
}

// Σ dn and Σ dn (x - mean), dn = dy gamma: beyond the row gamma is 0, so dn is.
template <bool kCentered, int kRows, class T>
struct SlopeSums {
  const T *dy, *x, *mean, *gamma;
  int64_t n;
  Lanes<T> plain[kRows], weighted[kRows];
  template <bool kWhole>
  void at(int64_t i, int rest) {
    const Lanes<T> g = load<kWhole>(gamma + i, rest);
    for (int r = 0; r < kRows; ++r) {
      const Lanes<T> dn = mul(load<kWhole>(dy + r * n + i, rest), g);
      const Lanes<T> d = centered<kCentered, kWhole>(x + r * n + i, rest, mean, r);
      if constexpr (kCentered) plain[r] = add(plain[r], dn);
      weighted[r] = fma(dn, d, weighted[r]);
    }
  }
};

//   dx = inverse (dn - mean(dn) - normal mean(dn normal)),   dgamma += dy normal,   dbeta += dy
//
// c1 = mean(dn) and c2 = mean(dn normal), both with a minus sign.
template <bool kCentered, int kRows, class T>
struct NormSlope {
  const T *dy, *x, *mean, *inverse, *gamma, *c1, *c2;
  T *dx, *dgamma, *dbeta;
  int64_t n, ahead;
  template <bool kWhole>
  void at(int64_t i, int rest) {
    const Lanes<T> g = load<kWhole>(gamma + i, rest);
    Lanes<T> sum_g = load<kWhole>(dgamma + i, rest), sum_b = sum_g;
    if constexpr (kCentered) sum_b = load<kWhole>(dbeta + i, rest);
    for (int r = 0; r < kRows; ++r) {
      const Lanes<T> slope = load<kWhole>(dy + r * n + i, rest);
      const Lanes<T> scale = Lanes<T>::broadcast(inverse[r]);
      const Lanes<T> normal = mul(centered<kCentered, kWhole>(x + r * n + i, rest, mean, r), scale);
      sum_g = fma(slope, normal, sum_g);
      ask_for(dy + r * n + i + ahead);
      ask_for(x + r * n + i + ahead);
      ask_for(dx + r * n + i + ahead);
      if constexpr (kCentered) sum_b = add(sum_b, slope);
      Lanes<T> d = kCentered ? fma(slope, g, Lanes<T>::broadcast(c1[r])) : mul(slope, g);
      d = fma(normal, Lanes<T>::broadcast(c2[r]), d);
      store<kWhole>(mul(d, scale), dx + r * n + i, rest);
    }
    store<kWhole>(sum_g, dgamma + i, rest);
    if constexpr (kCentered) store<kWhole>(sum_b, dbeta + i, rest);
  }
};

template <bool kCentered, int kRows, class T>
void slope_sums_of(int64_t n, const T* dy, const T* x, const T* mean, const T* gamma,
                   Lanes<T>* plain, Lanes<T>* weighted) {
  SlopeSums<kCentered, kRows, T> step = {dy, x, mean, gamma, n, {}, {}};
  walk<T>(n, step);
  for (int r = 0; r < kRows; ++r) plain[r] = step.plain[r], weighted[r] = step.weighted[r];
}

// Adds to dgamma and dbeta; of `mean` and dbeta nothing is read without kCentered.
template <bool kCentered, class T>
void norm_backward_together(int rows, int64_t n, const T* dy, const T* x, const T* mean,
                            const T* inverse, const T* gamma, T* dx, T* dgamma, T* dbeta,
                            int64_t ahead) {
  constexpr int kMost = Vec<T>::kWidth;
  Lanes<T> plain[kMost] = {}, weighted[kMost] = {};
  T c1[kMost] = {}, c2[kMost] = {};
  int r = 0;
  for (; n >= kLongRow && r + 4 <= rows; r += 4) {
    slope_sums_of<kCentered, 4>(n, dy + r * n, x + r * n, mean + r, gamma, plain + r, weighted + r);
  }
  for (; r < rows; ++r) {
    slope_sums_of<kCentered, 1>(n, dy + r * n, x + r * n, mean + r, gamma, plain + r, weighted + r);
  }
  fold_rows<Add>(rows, plain, c1);
  fold_rows<Add>(rows, weighted, c2);
  const T minus_count = -static_cast<T>(n);
  for (r = 0; r < rows; ++r) c1[r] = c1[r] / minus_count, c2[r] = c2[r] * inverse[r] / minus_count;
  for (r = 0; r + 4 <= rows; r += 4) {
    NormSlope<kCentered, 4, T> step = {dy + r * n, x + r * n,  mean + r, inverse + r, gamma, c1 + r,
                                       c2 + r,     dx + r * n, dgamma,   dbeta,       n,     ahead};
    walk<T>(n, step);
  }
  for (; r < rows; ++r) {
    NormSlope<kCentered, 1, T> step = {dy + r * n, x + r * n,  mean + r, inverse + r, gamma, c1 + r,
                                       c2 + r,     dx + r * n, dgamma,   dbeta,       n,     ahead};
    walk<T>(n, step);
  }
}

template <bool kCentered, class T>
void norm_backward_rows(int64_t rows, int64_t n, const T* dy, const T* x, const T* mean,
                        const T* inverse, const T* gamma, T* dx, T* dgamma, T* dbeta,
                        bool from_memory) {
  const int together = norms_together<T>(4 * n);
  for (int64_t row = 0; row < rows; row += together) {
    const int count = static_cast<int>(rows - row < together ? rows - row : together);
    const int64_t i = row * n;
    norm_backward_together<kCentered>(count, n, dy + i, x + i, mean + row, inverse + row, gamma,
                                      dx + i, dgamma, dbeta, from_memory ? together * n : 0);
  }
}
