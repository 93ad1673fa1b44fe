// Attention: every query takes an average of the values, weighted by how well it matches the keys.
// Source: Vaswani et al., "Attention is all you need", 2017, equation 1 and section 3.2.2.
#pragma once

#include "nn/layers.h"
#include "nn/mask.h"

namespace qkv::nn {

//   weights = softmax(Q Kᵀ / √D)       one row per query, each row sums to 1
//   output  = weights V
struct AttentionOutput {
  Variable output;   // (B, H, Tq, D), or (B, Tq, C) of a multi-head attention
  Variable weights;  // (B, H, Tq, Tk): rows are queries, columns keys, every head by itself
};                   // undefined without need_weights

// Q (..., Tq, D), K (..., Tk, D), V (..., Tk, Dv) -> output (..., Tq, Dv), weights (..., Tq, Tk). A
// query whose mask allows no key gets weights 0 and output 0. Throws std::invalid_argument if
// shapes do not fit.
//
// Whoever can do without the weights says need_weights = false: then one fused operation computes
// the output, in memory O(T) instead of O(T²), and much faster (autograd/attention.cpp).
[[nodiscard]] AttentionOutput scaled_dot_product_attention(const Variable& Q, const Variable& K,
                                                           const Variable& V, const Mask& mask = {},
                                                           bool need_weights = true);

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
