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
  // The first n < kCount elements, then `fill`. Nothing beyond p[n - 1] is read.
  static Lanes load_first(const T* p, int n, T fill = 0) {
    Lanes a;
    for (int i = 0; i < kRegisters; ++i) {
      const int skipped = i * Vec<T>::kWidth;
      a.v[i] = Vec<T>::load_first(n > skipped ? p + skipped : p, n - skipped, fill);
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

// ---- walking along a row ------------------------------------------------------------------------

// Whole lanes, or the first `rest` of them.
template <bool kWhole, class T>
Lanes<T> load(const T* p, int rest) {
  if constexpr (kWhole) return Lanes<T>::load(p);
  return Lanes<T>::load_first(p, rest);
}
template <bool kWhole, class T>
void store(Lanes<T> a, T* p, int rest) {
  if constexpr (kWhole) return a.store(p);
  a.store_first(p, rest);
}

// step.at<true>(i, 16) for i = 0, 16, 32, ..., then step.at<false>(i, rest) for what is left of n.
// A Step is a struct with the pointers it works on and the sums it keeps.
template <class T, class Step>
void walk(int64_t n, Step& step) {
  constexpr int kCount = Lanes<T>::kCount;
  int64_t i = 0;
  for (; i + kCount <= n; i += kCount) step.template at<true>(i, kCount);
  if (i < n) step.template at<false>(i, static_cast<int>(n - i));
}

// ---- the fixed tree -----------------------------------------------------------------------------
//
// Element i of the first half takes element i of the second, until one is left. A kernel uses it in
// two ways, with the same additions:
//
//   fold<Op>(lanes)        one row: the result is in every lane of a register
//   fold_rows<Op>(lanes)   as many rows as a register has lanes: row r's result is in lane r. After
//                          each step two rows fit in one register, so 16 rows of AVX-512 take 15
//                          steps of one addition instead of 16 trees of 4.

struct Add {
  template <class X>
  static X apply(X a, X b) {
    return a + b;
  }
};
struct Max {
  template <class T>
  static Vec<T> apply(Vec<T> a, Vec<T> b) {
    return max(a, b);
  }
  static double apply(double a, double b) { return a > b ? a : b; }
};

// The steps between registers: 16 lanes become those of one register.
template <class Op, class T>
Vec<T> fold_registers(Lanes<T> a) {
  for (int half = Lanes<T>::kRegisters / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) a.v[i] = Op::apply(a.v[i], a.v[i + half]);
  }
  return a.v[0];
}

// The steps inside a register. Those of floats are in vec_*.h; this is for doubles, and for
// registers of one lane.
template <class Op, class T>
Vec<T> fold(Vec<T> a) {
  if constexpr (Vec<T>::kWidth > 1) {
    T x[Vec<T>::kWidth];
    a.store(x);
    for (int half = Vec<T>::kWidth / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) x[i] = Op::apply(x[i], x[i + half]);
    }
    a = Vec<T>::broadcast(x[0]);
  }
  return a;
}
template <class Op, class T>
Vec<T> fold_rows(const Vec<T>* row) {
  if constexpr (Vec<T>::kWidth == 1) return row[0];
  T x[Vec<T>::kWidth];
  for (int r = 0; r < Vec<T>::kWidth; ++r) fold<Op>(row[r]).store_first(x + r, 1);
  return Vec<T>::load(x);
}

// result[r] = the tree over a[r], for r < rows. REQUIRES: result has a register's width.
template <class Op, class T>
void fold_rows(int rows, const Lanes<T>* a, T* result) {
  if (rows <= 4 || rows < Vec<T>::kWidth / 2) {
    for (int r = 0; r < rows; ++r) fold<Op>(fold_registers<Op>(a[r])).store_first(result + r, 1);
    return;
  }
  Vec<T> row[Vec<T>::kWidth];
  for (int r = 0; r < Vec<T>::kWidth; ++r) row[r] = fold_registers<Op>(a[r < rows ? r : 0]);
  fold_rows<Op>(row).store(result);
}

template <class T>
T sum(Lanes<T> a) {
  T result;
  fold<Add>(fold_registers<Add>(a)).store_first(&result, 1);
  return result;
}
