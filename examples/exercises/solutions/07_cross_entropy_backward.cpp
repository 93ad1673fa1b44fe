// Solution 07. One row, with t its target and p = softmax(x); δ_it is 1 if i = t, else 0:
//
//   L = -log p_t = -x_t + log Σ_j exp(x_j)
//   ∂L/∂x_i = -δ_it + exp(x_i) / Σ_j exp(x_j) = p_i - δ_it
//
// The logarithm and softmax undo each other: no 1 / p is left that could overflow. The mean divides
// by the number of rows that count, and the others get nothing. The library's: cross_entropy in
// autograd/cross_entropy.cpp.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

Variable cross_entropy_backward(const Variable& dloss, const Variable& logits,
                                const Tensor& targets) {
  const int64_t vocab = logits.shape()[1];
  const Tensor zero = tensor::zeros(targets.shape(), Dtype::int64);
  const Tensor counts = logical_not(less(targets, zero));                // (N) bool
  const Tensor ids = where(counts, targets, zero);                       // (N) int64
  const Variable one_hot = tensor::one_hot(ids, vocab, logits.dtype());  // (N, vocab)
  const Variable column = unsqueeze(counts.to(logits.dtype()), 1);       // (N, 1): 1 or 0
  return dloss * (softmax(logits, -1) - one_hot) * column / sum(column.value()).item();
}

}  // namespace qkv::examples
