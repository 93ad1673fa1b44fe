// Lanes: 16 floats or 8 doubles, in as many registers as that takes: 1 with AVX-512, 2 with AVX2, 4
// with NEON, 16 or 8 without SIMD. Kernels that add across a row work on Lanes, so the order of
// additions, and with it every bit of the result, is the same for all of them:
//
//   x[0..15] + x[16..31] + ... lane by lane, then halves onto each other: 16 -> 8 -> 4 -> 2 -> 1

template <class T>
struct Lanes {
  static constexpr int kCount = 64 / sizeof(T);
  static constexpr int kRegisters = kCount / Vec<T>::kWidth;
  Vec<T> v[kRegisters];

  static Lanes broadcast(T x) {
    Lanes a;
    for (int i = 0; i < kRegisters; ++i) a.v[i] = Vec<T>::broadcast(x);
    return a;
  }
  static Lanes load(const T* p) {
    Lanes a;
    for (int i = 0; i < kRegisters; ++i) a.v[i] = Vec<T>::load(p + i * Vec<T>::kWidth);
    return a;
  }
  // The first n < kCount elements, then zeros. Nothing beyond p[n - 1] is read.
  static Lanes load_first(const T* p, int n) {
    Lanes a;
    for (int i = 0; i < kRegisters; ++i) {
      const int skipped = i * Vec<T>::kWidth;
      a.v[i] = Vec<T>::load_first(n > skipped ? p + skipped : p, n - skipped);
    }
    return a;
  }
  void store(T* p) const {
    for (int i = 0; i < kRegisters; ++i) v[i].store(p + i * Vec<T>::kWidth);
  }
  void store_first(T* p, int n) const {
    for (int i = 0; i < kRegisters; ++i) {
      const int skipped = i * Vec<T>::kWidth;
      v[i].store_first(n > skipped ? p + skipped : p, n - skipped);
    }
  }
};

template <class T>
Lanes<T> add(Lanes<T> a, Lanes<T> b) {
  for (int i = 0; i < Lanes<T>::kRegisters; ++i) a.v[i] = a.v[i] + b.v[i];
  return a;
}
template <class T>
Lanes<T> sub(Lanes<T> a, Lanes<T> b) {
  for (int i = 0; i < Lanes<T>::kRegisters; ++i) a.v[i] = a.v[i] - b.v[i];
  return a;
}
template <class T>
Lanes<T> mul(Lanes<T> a, Lanes<T> b) {
  for (int i = 0; i < Lanes<T>::kRegisters; ++i) a.v[i] = a.v[i] * b.v[i];
  return a;
}
template <class T>
Lanes<T> max(Lanes<T> a, Lanes<T> b) {
  for (int i = 0; i < Lanes<T>::kRegisters; ++i) a.v[i] = max(a.v[i], b.v[i]);
  return a;
}
template <class T>
Lanes<T> fma(Lanes<T> a, Lanes<T> b, Lanes<T> c) {
  for (int i = 0; i < Lanes<T>::kRegisters; ++i) a.v[i] = fma(a.v[i], b.v[i], c.v[i]);
  return a;
}
template <class T>
Lanes<T> exp(Lanes<T> a) {
  for (int i = 0; i < Lanes<T>::kRegisters; ++i) a.v[i] = exp(a.v[i]);
  return a;
}

// The fixed tree: element i of the first half takes element i of the second, until one is left.
template <class T>
T sum(Lanes<T> a) {
  T x[Lanes<T>::kCount];
  a.store(x);
  for (int half = Lanes<T>::kCount / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) x[i] = x[i] + x[i + half];
  }
  return x[0];
}
template <class T>
T max(Lanes<T> a) {
  T x[Lanes<T>::kCount];
  a.store(x);
  for (int half = Lanes<T>::kCount / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) x[i] = x[i] > x[i + half] ? x[i] : x[i + half];
  }
  return x[0];
}
