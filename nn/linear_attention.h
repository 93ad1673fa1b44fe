// Linear attention: without the softmax the product of Q, K and V may be taken from the other end,
// and T positions cost O(T) instead of O(T²).
//
//   (φ(Q) φ(K)ᵀ) V  =  φ(Q) (φ(K)ᵀ V)         φ(x) = elu(x) + 1 > 0, number by number
//     (T, T)                   (D, Dv)
//
// Source: Katharopoulos et al. 2020, "Transformers are RNNs", equations 7 to 12.
#pragma once

#include "nn/attention.h"

namespace qkv::nn {

// x + 1 where x > 0, else exp(x): smooth, and never negative, so that its products can be weights.
[[nodiscard]] Variable elu_plus_one(const Variable& x);

//   weights_ij = φ(q_i) · φ(k_j) / Σ_j φ(q_i) · φ(k_j)      over the allowed keys
//   output     = weights V
//
// Q (..., Tq, D), K (..., Tk, D), V (..., Tk, Dv), with the same axes before -> output
// (..., Tq, Dv), weights (..., Tq, Tk). With weights: this formula, O(T²), and any mask. Without:
// running sums, O(T), for masks that are causal, padding, both or none; others are refused, since
// in a sum of all earlier keys no query can leave one out. A query without keys gets output 0.
// Throws std::invalid_argument, too, if shapes do not fit.
[[nodiscard]] AttentionOutput linear_attention(const Variable& Q, const Variable& K,
                                               const Variable& V, const Mask& mask = {},
                                               bool need_weights = true);

// Causal attention as a recurrent net: the state is all that is known of the past, of one size
// however long that was. q and k (..., 1, D), v (..., 1, Dv) -> output (..., 1, Dv). `state`
// (..., D, Dv + 1) is undefined before the first position, and takes in this one. Throws
// std::invalid_argument if shapes do not fit, the axes before the last two included.
[[nodiscard]] Variable linear_attention_step(const Variable& q, const Variable& k,
                                             const Variable& v, Variable& state);

}  // namespace qkv::nn
