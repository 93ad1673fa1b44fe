// Sums over a row, in lanes: element i is added to lane i % 16 (doubles: i % 8), and the lanes are
// added by the fixed tree of simd/lanes.inl. The order, and so every bit, is the same everywhere.

template <class T>
T sum_row(int64_t n, const T* x) {
  constexpr int kCount = Lanes<T>::kCount;
  Lanes<T> total = Lanes<T>::broadcast(0);
  int64_t i = 0;
  for (; i + kCount <= n; i += kCount) total = add(total, Lanes<T>::load(x + i));
  if (i < n) total = add(total, Lanes<T>::load_first(x + i, static_cast<int>(n - i)));
  return sum(total);
}

template <class T>
T dot_row(int64_t n, const T* x, const T* y) {
  constexpr int kCount = Lanes<T>::kCount;
  Lanes<T> total = Lanes<T>::broadcast(0);
  int64_t i = 0;
  for (; i + kCount <= n; i += kCount) {
    total = fma(Lanes<T>::load(x + i), Lanes<T>::load(y + i), total);
  }
  const int rest = static_cast<int>(n - i);
  if (rest > 0) {
    total = fma(Lanes<T>::load_first(x + i, rest), Lanes<T>::load_first(y + i, rest), total);
  }
  return sum(total);
}
