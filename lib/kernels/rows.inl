// What the kernels of softmax and its relatives do with a row. Rows go through them in company: as
// many as a register has lanes, as long as they fit in the first cache. Then the trees that end the
// sums are shared (fold_rows of simd/lanes.inl), and one row's latency hides behind another's work.

#include "lib/kernels/math.inl"

#include "lib/kernels/exp_nonpositive.inl"

#include "lib/kernels/together.inl"

// A row, 16 numbers at a time; beyond its end stands -inf, whose exponential is 0.
template <class T>
struct PlainRow {
  const T* x;
  Lanes<T> load(int64_t i) const { return Lanes<T>::load(x + i); }
  Lanes<T> load_first(int64_t i, int rest) const {
    return Lanes<T>::load_first(x + i, rest, static_cast<T>(-__builtin_inf()));
  }
};

// p where allowed, fill elsewhere. For floats, vec_avx2.h and vec_avx512.h have it in one step.
template <class T>
Vec<T> load_where(const bool* allowed, const T* p, T fill) {
  T window[Vec<T>::kWidth];
  for (int i = 0; i < Vec<T>::kWidth; ++i) window[i] = allowed[i] ? p[i] : fill;
  return Vec<T>::load(window);
}

// The same as PlainRow where allowed[i], and -inf elsewhere.
template <class T>
struct MaskedRow {
  const T* x;
  const bool* allowed;
  Lanes<T> load(int64_t i) const {
    constexpr int kWidth = Vec<T>::kWidth;
    Lanes<T> a;
    for (int k = 0; k < Lanes<T>::kRegisters; ++k) {
      a.v[k] = load_where(allowed + i + k * kWidth, x + i + k * kWidth,
                          static_cast<T>(-__builtin_inf()));
    }
    return a;
  }
  Lanes<T> load_first(int64_t i, int rest) const {
    T window[Lanes<T>::kCount];
    for (int k = 0; k < Lanes<T>::kCount; ++k) {
      window[k] = k < rest && allowed[i + k] ? x[i + k] : static_cast<T>(-__builtin_inf());
    }
    return Lanes<T>::load(window);
  }
};

// The largest elements by lane, -inf where there is none. A NaN may be passed over. A maximum is
// exact in any order, so four run side by side.
template <class T, class Row>
Lanes<T> max_lanes(int64_t n, Row x) {
  constexpr int kCount = Lanes<T>::kCount;
  Lanes<T> largest[4];
  for (int k = 0; k < 4; ++k) largest[k] = Lanes<T>::broadcast(static_cast<T>(-__builtin_inf()));
  int64_t i = 0;
  for (; i + 4 * kCount <= n; i += 4 * kCount) {
    for (int k = 0; k < 4; ++k) largest[k] = max(x.load(i + k * kCount), largest[k]);
  }
  Lanes<T> all = max(max(largest[0], largest[1]), max(largest[2], largest[3]));
  for (; i + kCount <= n; i += kCount) all = max(x.load(i), all);
  if (i < n) all = max(x.load_first(i, static_cast<int>(n - i)), all);
  return all;
}

// Σ exp(x - shift) by lanes. With kStore, y = exp(x - shift).
template <bool kStore, class T, class Row>
Lanes<T> exp_lanes(int64_t n, Row x, T shift, T* y) {
  constexpr int kCount = Lanes<T>::kCount;
  const Lanes<T> m = Lanes<T>::broadcast(shift);
  Lanes<T> total = Lanes<T>::broadcast(0);
  int64_t i = 0;
  for (; i + kCount <= n; i += kCount) {
    const Lanes<T> e = exp_nonpositive(sub(x.load(i), m));
    if constexpr (kStore) e.store(y + i);
    total = add(total, e);
  }
  const int rest = static_cast<int>(n - i);
  if (rest > 0) {
    const Lanes<T> e = exp_nonpositive(sub(x.load_first(i, rest), m));
    if constexpr (kStore) e.store_first(y + i, rest);
    total = add(total, e);
  }
  return total;
}
