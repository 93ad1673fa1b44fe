// Rung 1 of the ladder in lib/softmax.h. Three passes: the maximum; exp(x - m), kept in y and
// summed by lanes; the division. The exponentials are what costs, and they are computed 16 at a
// time.

#include "lib/kernels/math.inl"

#include "lib/kernels/sums.inl"

// The largest element; -inf if there is none. A NaN may be passed over.
template <class T>
T max_row(int64_t n, const T* x) {
  constexpr int kCount = Lanes<T>::kCount;
  const T lowest = static_cast<T>(-__builtin_inf());
  Lanes<T> largest = Lanes<T>::broadcast(lowest);
  int64_t i = 0;
  for (; i + kCount <= n; i += kCount) largest = max(Lanes<T>::load(x + i), largest);
  T result = max(largest);
  for (; i < n; ++i) result = x[i] > result ? x[i] : result;
  return result;
}

// y = exp(x - shift); returns Σ y.
template <class T>
T exp_row(int64_t n, const T* x, T shift, T* y) {
  constexpr int kCount = Lanes<T>::kCount;
  const Lanes<T> m = Lanes<T>::broadcast(shift);
  Lanes<T> total = Lanes<T>::broadcast(0);
  int64_t i = 0;
  for (; i + kCount <= n; i += kCount) {
    const Lanes<T> e = exp(sub(Lanes<T>::load(x + i), m));
    e.store(y + i);
    total = add(total, e);
  }
  const int rest = static_cast<int>(n - i);
  if (rest > 0) {
    exp(sub(Lanes<T>::load_first(x + i, rest), m)).store_first(y + i, rest);
    total = add(total, Lanes<T>::load_first(y + i, rest));  // read back: zeros beyond the row
  }
  return sum(total);
}

template <class T>
void softmax_row(int64_t n, const T* x, T* y, bool empty_row_is_zero) {
  const T m = max_row(n, x);
  const T lowest = static_cast<T>(-__builtin_inf());
  // The maximum passes over NaN, the sum does not: both are -inf if there is nothing else in the
  // row.
  if (empty_row_is_zero && m == lowest && sum_row(n, x) == lowest) {
    for (int64_t i = 0; i < n; ++i) y[i] = 0;
    return;
  }
  const T total = exp_row(n, x, m, y);
  for (int64_t i = 0; i < n; ++i) y[i] = y[i] / total;
}

template <class T>
void softmax_rows(int64_t rows, int64_t n, const T* x, T* y, bool empty_row_is_zero) {
  for (int64_t row = 0; row < rows; ++row) {
    softmax_row(n, x + row * n, y + row * n, empty_row_is_zero);
  }
}

template <class T>
constexpr Kernels<T> table() {
  return {.softmax_rows = softmax_rows<T>};
}
