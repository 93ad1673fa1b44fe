// Kernels of lib/vector_math.h: a function of every element, by Groups of floats (simd/pair.inl) or
// registers of doubles; the same of two arrays for backward passes; and the sums of sums.inl.
#include "lib/kernels/math.inl"

#include "lib/kernels/block.inl"

#include "lib/kernels/sums.inl"

// ---- forward ------------------------------------------------------------------------------------

template <class T, Block<T> (*f)(Block<T>)>
[[gnu::flatten]] void map(int64_t n, const T* x, T* y) {
  constexpr int kWidth = Block<T>::kWidth;
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) f(Block<T>::load(x + i)).store(y + i);
  const int rest = static_cast<int>(n - i);
  if (rest > 0) f(Block<T>::load_first(x + i, rest)).store_first(y + i, rest);
}

// ---- backward: dx from what the forward pass saved, and dy --------------------------------------

template <class V>
V relu_backward(V y, V dy) {
  const V zero = V::broadcast(0);
  return select(zero < y, dy, zero);
}
template <class V>
V gelu_backward(V x, V dy) {
  return dy * gelu_slope(x);
}
template <class V>
V gelu_tanh_backward(V x, V dy) {
  return dy * gelu_tanh_slope(x);
}

template <class T, Block<T> (*f)(Block<T>, Block<T>)>
[[gnu::flatten]] void map_backward(int64_t n, const T* saved, const T* dy, T* dx) {
  constexpr int kWidth = Block<T>::kWidth;
  using B = Block<T>;
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) f(B::load(saved + i), B::load(dy + i)).store(dx + i);
  const int rest = static_cast<int>(n - i);
  if (rest > 0) {
    f(B::load_first(saved + i, rest), B::load_first(dy + i, rest)).store_first(dx + i, rest);
  }
}

template <class T>
constexpr Kernels<T> table() {
  return {
      .exp = map<T, exp>,
      .log = map<T, log>,
      .tanh = map<T, tanh>,
      .sigmoid = map<T, sigmoid>,
      .relu = map<T, relu>,
      .erf = map<T, erf>,
      .gelu = map<T, gelu>,
      .gelu_slope = map<T, gelu_slope>,
      .gelu_tanh = map<T, gelu_tanh>,
      .gelu_tanh_slope = map<T, gelu_tanh_slope>,
      .tanh_backward = map_backward<T, tanh_backward>,
      .sigmoid_backward = map_backward<T, sigmoid_backward>,
      .relu_backward = map_backward<T, relu_backward>,
      .gelu_backward = map_backward<T, gelu_backward>,
      .gelu_tanh_backward = map_backward<T, gelu_tanh_backward>,
      .sum_row = sum_row<T>,
      .dot_row = dot_row<T>,
  };
}
