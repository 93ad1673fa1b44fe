// The product of linear attention. Its adjoints are products of the same kind: what looked back on
// the way forward looks ahead on the way back.
#include "tensor/causal_product.h"

#include "autograd/node.h"
#include "autograd/ops.h"

namespace qkv::autograd {

// ---- causal_product -----------------------------------------------------------------------------
//
//   forward    Y  = (Q Kᵀ ∘ M) V         M_ij = 1 for j <= i + Tk - Tq, else 0       (..., Tq, Dv)
//              reverse: 1 for j >= i + Tk - Tq
//   backward   dQ = (dY Vᵀ ∘ M) K                                                    (..., Tq, D)
//              dK = (V dYᵀ ∘ Mᵀ) Q                                                   (..., Tk, D)
//              dV = (K Qᵀ ∘ Mᵀ) dY                                                   (..., Tk, Dv)
//
// Why: Y = Σ over pairs of q, k and v, and in each sum two are given and one is asked for. Where
// keys take the place of queries, so does Mᵀ that of M: it looks the other way, which is what
// `reverse` is for. No matrix (Tq, Tk) is ever made: all are running sums.
// Saved: Q, K and V, none of the sums.
Variable causal_product(const Variable& Q, const Variable& K, const Variable& V, bool reverse) {
  return record("causal_product", {Q, K, V},
                tensor::causal_product(Q.value(), K.value(), V.value(), reverse),
                [Q = Saved(Q), K = Saved(K), V = Saved(V), reverse](const Variable& dY) -> Grads {
                  return {wanted(0) ? causal_product(dY, V, K, reverse) : Variable(),
                          wanted(1) ? causal_product(V, dY, Q, !reverse) : Variable(),
                          wanted(2) ? causal_product(K, Q, dY, !reverse) : Variable()};
                });
}

}  // namespace qkv::autograd
