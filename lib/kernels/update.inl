// Kernels of lib/update.h: 16 weights at a time, each array read once and written once. Roots and
// quotients are correctly rounded instructions, so every instruction set gives the same bits.

#include "lib/kernels/sums.inl"

template <class T>
Lanes<T> sqrt(Lanes<T> a) {
  for (int i = 0; i < Lanes<T>::kRegisters; ++i) a.v[i] = sqrt(a.v[i]);
  return a;
}
template <class T>
Lanes<T> div(Lanes<T> a, Lanes<T> b) {
  for (int i = 0; i < Lanes<T>::kRegisters; ++i) a.v[i] = a.v[i] / b.v[i];
  return a;
}

// g += decay w;  velocity = momentum velocity + g;  w -= rate (g + momentum velocity, or velocity)
template <class T>
struct SgdWalk {
  T* w;
  const T* g;
  T* velocity;
  Lanes<T> minus_rate, momentum, decay;
  bool nesterov, first;
  template <bool kWhole>
  void at(int64_t i, int rest) {
    const Lanes<T> weight = load<kWhole>(w + i, rest);
    const Lanes<T> slope = fma(decay, weight, load<kWhole>(g + i, rest));
    Lanes<T> direction = slope;
    if (velocity != nullptr) {
      if (!first) direction = fma(momentum, load<kWhole>(velocity + i, rest), slope);
      store<kWhole>(direction, velocity + i, rest);
      if (nesterov) direction = fma(momentum, direction, slope);
    }
    store<kWhole>(fma(minus_rate, direction, weight), w + i, rest);
  }
};

template <class T>
void sgd(int64_t n, SgdFactors<T> f, T* w, const T* g, T* velocity) {
  SgdWalk<T> step = {w,
                     g,
                     velocity,
                     Lanes<T>::broadcast(-f.rate),
                     Lanes<T>::broadcast(f.momentum),
                     Lanes<T>::broadcast(f.decay),
                     f.nesterov,
                     f.first};
  walk<T>(n, step);
}

// The formula with everything that is the same for all weights moved to the front: a quotient and a
// root for each weight remain.
//
//   w = keep w - rate m / (√v / √correction2 + eps)        keep, rate: as AdamFactors says
template <class T>
struct AdamWalk {
  T* w;
  const T* g;
  T *m, *v;
  Lanes<T> beta1, rest1, beta2, rest2, penalty, keep, minus_rate, root, eps;
  template <bool kWhole>
  void at(int64_t i, int rest) {
    const Lanes<T> weight = load<kWhole>(w + i, rest);
    const Lanes<T> slope = fma(penalty, weight, load<kWhole>(g + i, rest));
    const Lanes<T> mean = fma(beta1, load<kWhole>(m + i, rest), mul(rest1, slope));
    const Lanes<T> square = mul(mul(rest2, slope), slope);
    const Lanes<T> mean_square = fma(beta2, load<kWhole>(v + i, rest), square);
    const Lanes<T> size = fma(sqrt(mean_square), root, eps);
    store<kWhole>(mean, m + i, rest);
    store<kWhole>(mean_square, v + i, rest);
    store<kWhole>(fma(keep, weight, div(mul(minus_rate, mean), size)), w + i, rest);
  }
};

template <class T>
void adam(int64_t n, AdamFactors<T> f, T* w, const T* g, T* m, T* v) {
  AdamWalk<T> step = {w,
                      g,
                      m,
                      v,
                      Lanes<T>::broadcast(f.beta1),
                      Lanes<T>::broadcast(f.rest1),
                      Lanes<T>::broadcast(f.beta2),
                      Lanes<T>::broadcast(f.rest2),
                      Lanes<T>::broadcast(f.penalty),
                      Lanes<T>::broadcast(f.keep),
                      Lanes<T>::broadcast(-f.rate),
                      Lanes<T>::broadcast(f.root),
                      Lanes<T>::broadcast(f.eps)};
  walk<T>(n, step);
}

template <class T>
T squares(int64_t n, const T* g) {
  return dot_row(n, g, g);
}

template <class T>
constexpr Kernels<T> table() {
  return {.sgd = sgd<T>, .adam = adam<T>, .squares = squares<T>};
}
