// Kernels of lib/vector_math.h: a function of every element, 16 floats (8 doubles) at a time, see
// simd/lanes.inl; and the sums of sums.inl.
#include "lib/kernels/math.inl"

#include "lib/kernels/sums.inl"

// The functors give a function a name that can be a template argument.
struct Exp {
  template <class T>
  static Vec<T> apply(Vec<T> x) {
    return exp(x);
  }
};
struct Log {
  template <class T>
  static Vec<T> apply(Vec<T> x) {
    return log(x);
  }
};
struct Tanh {
  template <class T>
  static Vec<T> apply(Vec<T> x) {
    return tanh(x);
  }
};
struct Sigmoid {
  template <class T>
  static Vec<T> apply(Vec<T> x) {
    return sigmoid(x);
  }
};
struct Erf {
  template <class T>
  static Vec<T> apply(Vec<T> x) {
    return erf(x);
  }
};
struct Gelu {
  template <class T>
  static Vec<T> apply(Vec<T> x) {
    return gelu(x);
  }
};
struct GeluSlope {
  template <class T>
  static Vec<T> apply(Vec<T> x) {
    return gelu_slope(x);
  }
};

template <class F, class T>
Lanes<T> apply(Lanes<T> x) {
  for (int i = 0; i < Lanes<T>::kRegisters; ++i) x.v[i] = F::apply(x.v[i]);
  return x;
}

template <class F, class T>
void map(int64_t n, const T* x, T* y) {
  constexpr int kCount = Lanes<T>::kCount;
  int64_t i = 0;
  for (; i + kCount <= n; i += kCount) apply<F>(Lanes<T>::load(x + i)).store(y + i);
  const int rest = static_cast<int>(n - i);
  if (rest > 0) apply<F>(Lanes<T>::load_first(x + i, rest)).store_first(y + i, rest);
}

template <class T>
constexpr Kernels<T> table() {
  return {
      .exp = map<Exp, T>,
      .log = map<Log, T>,
      .tanh = map<Tanh, T>,
      .sigmoid = map<Sigmoid, T>,
      .erf = map<Erf, T>,
      .gelu = map<Gelu, T>,
      .gelu_slope = map<GeluSlope, T>,
      .sum_row = sum_row<T>,
      .dot_row = dot_row<T>,
  };
}
