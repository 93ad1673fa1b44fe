// Attention: every query takes an average of the values, weighted by how well it matches the keys.
// Source: Vaswani et al., "Attention is all you need", 2017, equation 1 and section 3.2.2.
// Next: score_attention.h, the older ways to match a query with keys.
#pragma once

#include <optional>

#include "nn/kv_cache.h"
#include "nn/layers.h"
#include "nn/mask.h"
#include "nn/positions.h"

namespace qkv::nn {

// What every kind of attention returns:
//
//   weights = softmax(scores)       one row per query; its numbers sum to 1
//   output  = weights V             the context of each query
//
// A head is one of H attentions side by side. A mask (mask.h) says which keys a query may look at;
// if at none, it has a row of zeros. Kinds that weigh in another way say so where they are
// declared: with a sink, or in a window (local_attention.h), a row sums to less than 1.
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
// query whose mask allows no key gets weights 0 and output 0. With slopes (H), for operands (B, H,
// T, D), score ij gets the bias -slope |i + (Tk - Tq) - j|: far keys count less (ALiBi,
// positions.h). Throws std::invalid_argument if shapes do not fit.
//
// Whoever can do without the weights says need_weights = false: then one fused operation computes
// the output, in memory O(T) instead of O(T²), and much faster (autograd/attention.cpp).
[[nodiscard]] AttentionOutput scaled_dot_product_attention(const Variable& Q, const Variable& K,
                                                           const Variable& V, const Mask& mask = {},
                                                           bool need_weights = true,
                                                           std::optional<double> scale = {},
                                                           const Tensor& slopes = {});

// How a query weighs the keys: by a softmax of dot products, or as variations.h has it.
enum class Variation { none, soft_cap, sink, kernel, hard, linear };

struct MultiHeadOptions {
  int64_t kv_heads = 0;                   // heads of keys and values; 0: as many as of queries
  Positions positions = Positions::none;  // rotary and alibi act here, the others elsewhere
  Variation variation = Variation::none;  // any but none: always with weights, O(T²)
};

struct KeysAndValues {
  Variable keys, values;  // (B, kv_heads, T, D)
};

// H attentions side by side, each on its own D = C / H columns of the projected inputs.
//
//   (B, Tq, C) -> projected -> split (B, H, Tq, D) -> attention -> joined (B, Tq, C) -> projected
//
// With fewer heads of keys and values, neighbouring heads of queries share one: grouped-query
// attention (Ainslie et al. 2023); multi-query if there is only one (Shazeer 2019).
//
//   H = 4, kv_heads = 2:    Q   0 1 2 3
//                               |/  |/
//                         K, V  0   1
class MultiHeadAttention : public Module {
 public:
  // Throws std::invalid_argument unless width is a multiple of heads, and heads of kv_heads; for
  // rotary positions (positions.h) D must be even; alibi goes with no variation (variations.h).
  MultiHeadAttention(int64_t width, int64_t heads, lib::Generator& generator,
                     MultiHeadOptions options = {});

  // query (B, Tq, C), key and value (B, Tk, C); the mask broadcasts to (B, H, Tq, Tk).
  [[nodiscard]] AttentionOutput forward(const Variable& query, const Variable& key,
                                        const Variable& value, const Mask& mask = {},
                                        bool need_weights = true) const;

  // Self-attention of a sequence that goes on: x (B, T, C) are its next T positions. Their keys and
  // values join those in the cache, and all of these are attended to; the mask broadcasts to
  // (B, H, T, all). For writing, not for learning: a cache has no graph, so this throws
  // std::invalid_argument unless a NoGrad lives.
  [[nodiscard]] AttentionOutput forward(const Variable& x, KeyValueCache& cache, const Mask& mask,
                                        bool need_weights = true) const;

  // The parts of forward, for those who keep some of it. Of x and y (B, T, C), whose first position
  // is `first`: queries (B, H, T, D), keys (of x) and values (of y); then what queries see in them.
  [[nodiscard]] Variable queries(const Variable& x, int64_t first = 0) const;
  [[nodiscard]] KeysAndValues keys_and_values(const Variable& x, const Variable& y,
                                              int64_t first = 0) const;
  [[nodiscard]] AttentionOutput attend(const Variable& Q, const KeysAndValues& to,
                                       const Mask& mask = {}, bool need_weights = true) const;

  const int64_t heads, kv_heads;
  Linear query, key, value, out;
  Variable sink;  // (H) logits, 0 at first; of Variation::sink only

 private:
  Positions positions_;
  Variation variation_;
};

}  // namespace qkv::nn
