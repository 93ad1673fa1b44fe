// Rung 1 of the ladder in lib/attention.h: fused attention. A tile of scores lies transposed, keys
// down and queries across:
//
//              queries ->                    every lane of a register is another query, so the
//     key 0    s00 s10 s20 ... s(63)0        maximum, the sum and exp of 16 softmaxes run side by
//     key 1    s01 s11 s21 ...               side, top to bottom, and nothing is ever added across
//     ...                                    lanes: each sum is one chain over keys in their order.
//
// Next: attention_forward.inl, attention_backward.inl.
#include "lib/kernels/math.inl"

#include "lib/kernels/exp_nonpositive.inl"

#include "lib/kernels/tile.inl"

#include "lib/kernels/attention_rows.inl"

#include "lib/kernels/attention_mask.inl"

#include "lib/kernels/attention_forward.inl"

#include "lib/kernels/attention_backward.inl"

template <class T>
constexpr Kernels<T> table() {
  return {.forward = attention_forward<T>, .backward = attention_backward<T>};
}
