// Attention: every query takes an average of the values, weighted by how well it matches the keys.
// Source: Vaswani et al., "Attention is all you need", 2017, equation 1 and section 3.2.2.
// Next: score_attention.h, the older ways to match a query with keys.
#pragma once

#include <optional>

#include "nn/layers.h"
#include "nn/mask.h"

namespace qkv::nn {

// What every kind of attention returns:
//
//   weights = softmax(scores)       one row per query, each row sums to 1
//   output  = weights V             the context of each query
struct AttentionOutput {
  Variable output;   // (B, H, Tq, D); (B, Tq, C) where there are no heads, or where they are joined
  Variable weights;  // (B, H, Tq, Tk): rows are queries, columns keys, every head by itself
};                   // undefined without need_weights

// scale Q Kᵀ: how well each query matches each key. Q (..., Tq, D), K (..., Tk, D) ->
// (..., Tq, Tk); scale is 1/√D if none is given. Throws std::invalid_argument if shapes do not fit.
[[nodiscard]] Variable attention_scores(const Variable& Q, const Variable& K,
                                        std::optional<double> scale = {});

// The softmax of every row of scores (..., Tq, Tk) over the keys that the mask allows; 0 elsewhere,
// and in a row whose mask allows no key. Throws std::invalid_argument unless the mask broadcasts
// to the scores.
[[nodiscard]] Variable attention_weights(const Variable& scores, const Mask& mask = {});

//   weights = softmax(scale Q Kᵀ)       scale is 1/√D if none is given
//   output  = weights V
//
// Q (..., Tq, D), K (..., Tk, D), V (..., Tk, Dv) -> output (..., Tq, Dv), weights (..., Tq, Tk). A
// query whose mask allows no key gets weights 0 and output 0. Throws std::invalid_argument if
// shapes do not fit.
//
// Whoever can do without the weights says need_weights = false: then one fused operation computes
// the output, in memory O(T) instead of O(T²), and much faster (autograd/attention.cpp).
[[nodiscard]] AttentionOutput scaled_dot_product_attention(const Variable& Q, const Variable& K,
                                                           const Variable& V, const Mask& mask = {},
                                                           bool need_weights = true,
                                                           std::optional<double> scale = {});

// H attentions side by side, each on its own D = C / H columns of the projected inputs.
//
//   (B, Tq, C) -> projected -> split (B, H, Tq, D) -> attention -> joined (B, Tq, C) -> projected
class MultiHeadAttention : public Module {
 public:
  // Throws std::invalid_argument unless width is a multiple of heads.
  MultiHeadAttention(int64_t width, int64_t heads, lib::Generator& generator);

  // query (B, Tq, C), key and value (B, Tk, C); the mask broadcasts to (B, H, Tq, Tk).
  [[nodiscard]] AttentionOutput forward(const Variable& query, const Variable& key,
                                        const Variable& value, const Mask& mask = {},
                                        bool need_weights = true) const;

  const int64_t heads;
  Linear query, key, value, out;
};

}  // namespace qkv::nn
