// Kernels of lib/arithmetic.h. A row is walked a register at a time; where its operands come from
// is a type, so that each combination gets a loop of its own:
//
//   Neighbours   load the next register          Repeated   the same register every time
//   Strided      collect the numbers one by one  (a transposed operand: rare)

template <class T>
struct Neighbours {
  const T* p;
  Vec<T> load(int64_t i) const { return Vec<T>::load(p + i); }
  Vec<T> load_first(int64_t i, int n) const { return Vec<T>::load_first(p + i, n); }
};

template <class T>
struct Repeated {
  Vec<T> one;
  Vec<T> load(int64_t) const { return one; }
  Vec<T> load_first(int64_t, int) const { return one; }
};

template <class T>
struct Strided {
  const T* p;
  int64_t step;
  Vec<T> load(int64_t i) const { return load_first(i, Vec<T>::kWidth); }
  Vec<T> load_first(int64_t i, int n) const {
    T collected[Vec<T>::kWidth] = {};
    for (int k = 0; k < n; ++k) collected[k] = p[(i + k) * step];
    return Vec<T>::load(collected);
  }
};

// The functors give an operation a name that can be a template argument; Add is that of
// simd/lanes.inl.
struct Sub {
  template <class T>
  static Vec<T> apply(Vec<T> a, Vec<T> b) {
    return a - b;
  }
};
struct Mul {
  template <class T>
  static Vec<T> apply(Vec<T> a, Vec<T> b) {
    return a * b;
  }
};
struct Div {
  template <class T>
  static Vec<T> apply(Vec<T> a, Vec<T> b) {
    return a / b;
  }
};

template <class F, class T, class A, class B>
void combine_row(int64_t n, A a, B b, T* y) {
  constexpr int kWidth = Vec<T>::kWidth;
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) F::apply(a.load(i), b.load(i)).store(y + i);
  const int rest = static_cast<int>(n - i);
  if (rest > 0) F::apply(a.load_first(i, rest), b.load_first(i, rest)).store_first(y + i, rest);
}

template <class F, class T>
void combine(int64_t rows, int64_t n, Operand<T> a, Operand<T> b, T* y) {
  using Loads = Neighbours<T>;
  for (int64_t row = 0; row < rows; ++row, y += n) {
    const T *const x = a.data + row * a.row_step, *const z = b.data + row * b.row_step;
    if (a.step == 1 && b.step == 1) {
      combine_row<F>(n, Loads{x}, Loads{z}, y);
    } else if (a.step == 1 && b.step == 0) {
      combine_row<F>(n, Loads{x}, Repeated<T>{Vec<T>::broadcast(*z)}, y);
    } else if (a.step == 0 && b.step == 1) {
      combine_row<F>(n, Repeated<T>{Vec<T>::broadcast(*x)}, Loads{z}, y);
    } else {
      combine_row<F>(n, Strided<T>{x, a.step}, Strided<T>{z, b.step}, y);
    }
  }
}

template <class T>
constexpr Kernels<T> table() {
  return {
      .add = combine<Add, T>,
      .sub = combine<Sub, T>,
      .mul = combine<Mul, T>,
      .div = combine<Div, T>,
  };
}
