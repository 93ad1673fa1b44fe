// Variations of attention, each a small change to scaled_dot_product_attention (attention.h):
//
//   grouped queries   K and V repeated          soft cap   c tanh(scores / c)
//   sliding window    Mask::window              sink       a logit more in the softmax
//   kernel            scores = -|q - k|²/2h²    hard       the best key only, no softmax
//
// Linear attention changes more: linear_attention.h.
#pragma once

#include "nn/attention.h"

namespace qkv::nn {

// All of them: Q (B, H, Tq, D), K (B, H, Tk, D), V (B, H, Tk, Dv), with any axes before the last
// two where nothing else is said -> output (B, H, Tq, Dv), weights (B, H, Tq, Tk). A query whose
// mask allows no key gets weights 0 and output 0. std::invalid_argument is thrown if shapes do not
// fit or a number lies outside its range.

// Several query heads share one head of keys and values:
//
//   H = 4, G = 2:   query heads   0 1 2 3
//                   key heads     0 0 1 1        head h looks at key head h / (H/G)
//
// Q (B, H, Tq, D), K (B, G, Tk, D), V (B, G, Tk, Dv); G divides H. G = H is multi-head attention,
// G = 1 multi-query; what shrinks is the memory for the keys and values of earlier positions.
// Sources: Shazeer 2019, "Fast transformer decoding"; Ainslie et al. 2023, "GQA".
[[nodiscard]] AttentionOutput grouped_query_attention(const Variable& Q, const Variable& K,
                                                      const Variable& V, const Mask& mask = {},
                                                      bool need_weights = true,
                                                      const Tensor& slopes = {});

// Scores squashed into (-cap, cap), cap > 0: none can drown the others, and far inside nothing
// changes. Source: Gemma Team 2024, "Gemma 2", section 2 (cap 50); Bello et al. 2016.
[[nodiscard]] AttentionOutput soft_capped_attention(const Variable& Q, const Variable& K,
                                                    const Variable& V, double cap,
                                                    const Mask& mask = {});

// Somewhere to look that is no key and has no value: a query that finds nothing puts its weight
// there. Rows of weights sum to less than 1; the rest is the sink's. `sink` (H) is its logit for
// each head, learned; undefined: 0 for all. Mask::window has the other kind of sink, made of keys.
// Sources: Xiao et al. 2024, "Attention sinks", equation 2; Miller 2023, "Attention is off by one".
[[nodiscard]] AttentionOutput sink_attention(const Variable& Q, const Variable& K,
                                             const Variable& V, const Variable& sink = {},
                                             const Mask& mask = {});

// The value of the best key, and nothing of the others; of equal ones the first. Needs Tk >= 1. No
// gradient reaches Q and K: a small step changes no choice. So this cannot be learned by gradients
// and is here for contrast; softmax is its smooth relative, and tends to it as scores grow.
// Source: Xu et al. 2015, "Show, attend and tell", section 4.1, with argmax in place of a draw.
[[nodiscard]] AttentionOutput hard_attention(const Variable& Q, const Variable& K,
                                             const Variable& V, const Mask& mask = {});

// The ancestor: a smooth curve through points (k_j, v_j), each value weighted by how near its key
// lies, bandwidth h > 0:
//
//   f(q) = Σ_j K((q - k_j)/h) v_j / Σ_j K((q - k_j)/h),   K(u) = exp(-|u|²/2)
//
// Sources: Nadaraya 1964, "On estimating regression"; Watson 1964, "Smooth regression analysis".
[[nodiscard]] AttentionOutput kernel_attention(const Variable& Q, const Variable& K,
                                               const Variable& V, double bandwidth,
                                               const Mask& mask = {});

// The one named, or linear attention (linear_attention.h) by its weights, of grouped heads: shapes
// as for grouped_query_attention. The cap is 10; the bandwidth is the fourth root of D, so that
// 1/h² = 1/√D: what makes it differ from plain attention is the length of the keys alone. `sink`
// (H) is of Variation::sink. What a position gets does not depend on keys that its mask leaves out,
// to the bit, so a cache of keys and values goes with each of them.
[[nodiscard]] AttentionOutput varied_attention(Variation variation, const Variable& Q,
                                               const Variable& K, const Variable& V,
                                               const Mask& mask = {}, const Variable& sink = {});

}  // namespace qkv::nn
