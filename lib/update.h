// One step of an optimiser over an array of weights, in one pass, shared among threads. All values
// are one parameter tensor's: w weights, g gradients, and the state that the optimiser keeps.
#pragma once

#include <cstdint>

namespace qkv::lib {

// Stochastic gradient descent with momentum, as PyTorch defines it; velocity may be null if
// momentum is 0.
//
//   g += decay w;   velocity = momentum velocity + g   (the first step: velocity = g)
//   w -= rate (nesterov ? g + momentum velocity : velocity)
struct SgdStep {
  double rate, momentum, decay;
  bool nesterov, first;
};
template <class T>
void sgd_update(int64_t n, SgdStep step, T* w, const T* g, T* velocity);

// Adam: mean and mean square of the gradients, both corrected for their start at zero.
//
//   decay:  coupled    g += decay w           (Adam with an L2 penalty)
//           decoupled  w -= rate decay w      (AdamW; Loshchilov and Hutter 2019)
//   m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g²
//   w -= rate (m / correction1) / (√(v / correction2) + eps),   correction = 1 - beta^step
//
// Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015.
struct AdamStep {
  double rate, beta1, beta2, eps, decay;
  double correction1, correction2;
  bool decoupled;
};
template <class T>
void adam_update(int64_t n, AdamStep step, T* w, const T* g, T* m, T* v);

// Σ g², for the norm of a gradient, in one pass: by lanes in T within chunks of 32768 numbers, so
// that rounding stays small, and from chunk to chunk in double.
template <class T>
[[nodiscard]] double sum_of_squares(int64_t n, const T* g);

}  // namespace qkv::lib
