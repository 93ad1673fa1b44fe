// Kernels of lib/layer_norm.h: the sums of a row.
#include "lib/kernels/sums.inl"

template <class T>
constexpr Kernels<T> table() {
  return {.sum_row = sum_row<T>, .dot_row = dot_row<T>};
}
