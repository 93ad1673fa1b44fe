// Solution 09. Scores s_t = scale k_t · q, so ∂s_t/∂q = scale k_t; softmax has the slopes
// ∂a_t/∂s_u = a_t (δ_tu - a_u), δ_tu being 1 if t = u, else 0; and so
//
//   ∂a_t/∂q = Σ_u a_t (δ_tu - a_u) scale k_u = scale a_t (k_t - k̄),  k̄ = Σ_u a_u k_u
//   J = Σ_t v_t (∂a_t/∂q)ᵀ = scale Σ_t a_t v_t (k_t - k̄)ᵀ
//
// Σ_t a_t (k_t - k̄) = 0, so v̄ may be taken from v_t as well: a covariance. Two things follow:
// where all keys are alike, or one weight is 1, the query learns nothing.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

Variable output_slope(const Variable& a, const Variable& K, const Variable& V, double scale) {
  const Variable k_off = K - matmul(a, K);                  // (T, D) - (D)
  const Variable v_off = V - matmul(a, V);                  // (T, Dv) - (Dv)
  const Variable weight = reshape(a, {a.shape()[0], 1});    // (T, 1)
  return matmul(transpose(v_off * weight), k_off) * scale;  // (Dv, T) x (T, D) -> (Dv, D)
}

}  // namespace qkv::examples
