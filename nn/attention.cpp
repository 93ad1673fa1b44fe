// Scaled dot-product and multi-head attention, step by step.
#include "nn/attention.h"

#include <cmath>

#include "autograd/ops.h"
#include "lib/text.h"
#include "nn/variations.h"

namespace qkv::nn {
namespace {

void check_operands(const Variable& Q, const Variable& K, const Variable& V) {
  if (Q.rank() < 2 || K.rank() < 2 || V.rank() < 2) {
    lib::fail("attention: Q is ", Q.shape(), ", K ", K.shape(), ", V ", V.shape(),
              "; each needs at least (T, D)");
  }
  if (Q.shape().from_end(1) != K.shape().from_end(1)) {
    lib::fail("attention: Q is ", Q.shape(), ", K is ", K.shape(),
              "; queries and keys need the same width D (last axis)");
  }
  if (K.shape().from_end(2) != V.shape().from_end(2)) {
    lib::fail("attention: K is ", K.shape(), ", V is ", V.shape(),
              "; every key needs one value (same T, second axis from the end)");
  }
}

void check_mask(const Shape& mask, const Shape& scores) {
  if (tensor::broadcast_shapes("attention mask", mask, scores) != scores) {
    lib::fail("attention: the mask is ", mask, ", the scores are ", scores,
              "; the mask must broadcast to (..., Tq, Tk)");
  }
}

// (..., Tq, Tk), with the batch axes that all three broadcast to.
Shape scores_shape(const Variable& Q, const Variable& K, const Variable& V) {
  const auto of = [](const Variable& x, int64_t rows, int64_t columns) {
    Shape shape = x.shape();
    shape[shape.rank() - 2] = rows, shape[shape.rank() - 1] = columns;
    return shape;
  };
  const int64_t Tq = Q.shape().from_end(2), Tk = K.shape().from_end(2);
  const Shape both = tensor::broadcast_shapes("attention", of(Q, Tq, Tk), of(K, Tq, Tk));
  return tensor::broadcast_shapes("attention", both, of(V, Tq, Tk));
}

// The batch axes of x, expanded to those of the scores.
Variable with_batch_of(const Variable& x, Shape scores) {
  const int last = scores.rank() - 1;
  scores[last - 1] = x.shape().from_end(2), scores[last] = x.shape().from_end(1);
  return x.shape() == scores ? x : expand(x, scores);
}

int64_t checked_heads(int64_t width, int64_t heads) {
  if (heads < 1 || width < 1 || width % heads != 0) {
    lib::fail("MultiHeadAttention: width ", width, " is not divisible by heads ", heads,
              "; each head gets width / heads columns");
  }
  return heads;
}

int64_t checked_kv_heads(int64_t heads, int64_t kv_heads) {
  if (kv_heads == 0) return heads;
  if (kv_heads < 1 || heads % kv_heads != 0) {
    lib::fail("MultiHeadAttention: heads ", heads, " is not divisible by kv_heads ", kv_heads,
              "; as many heads of queries share each head of keys and values");
  }
  return kv_heads;
}

void check_input(const Variable& x) {
  if (x.rank() != 3) lib::fail("MultiHeadAttention: input is ", x.shape(), "; need (B, T, C)");
}

// The columns of C dealt out to the heads. C = 6, H = 2, D = 3, for one position:
//
//   (B, T, C)   a b c d e f   ->   (B, H, T, D)   head 0: a b c   head 1: d e f
Variable split_heads(const Variable& x, int64_t heads) {
  const int64_t B = x.shape()[0], T = x.shape()[1], C = x.shape()[2];
  return transpose(reshape(x, {B, T, heads, C / heads}), 1, 2);  // (B, H, T, D)
}

Variable join_heads(const Variable& x) {
  const int64_t B = x.shape()[0], H = x.shape()[1], T = x.shape()[2], D = x.shape()[3];
  return reshape(transpose(x, 1, 2), {B, T, H * D});  // (B, T, C)
}

}  // namespace

// Why 1/√D: a dot product of D independent terms of mean 0 and variance 1 (the mean of their
// squares) has variance D. Unscaled, the scores of wide heads are large, softmax is all but one-hot
// (1 for one key, 0 for the others), and its gradient y (dy - Σ dy y) vanishes.
Variable attention_scores(const Variable& Q, const Variable& K, std::optional<double> scale) {
  if (Q.rank() < 2 || K.rank() < 2 || Q.shape().from_end(1) != K.shape().from_end(1)) {
    lib::fail("attention_scores: Q is ", Q.shape(), ", K is ", K.shape(),
              "; need (..., Tq, D) and (..., Tk, D)");
  }
  const auto D = static_cast<double>(Q.shape().from_end(1));
  return matmul(Q, transpose(K)) * scale.value_or(1 / std::sqrt(D));
}

Variable attention_weights(const Variable& scores, const Mask& mask) {
  if (!mask.restricts()) return softmax(scores, -1);
  check_mask(mask.shape(), scores.shape());
  return masked_softmax(scores, mask.allowed());
}

AttentionOutput scaled_dot_product_attention(const Variable& Q, const Variable& K,
                                             const Variable& V, const Mask& mask, bool need_weights,
                                             std::optional<double> scale, const Tensor& slopes) {
  check_operands(Q, K, V);
  const int64_t Tq = Q.shape().from_end(2), Tk = K.shape().from_end(2);
  if (!need_weights) {
    const Shape scores = scores_shape(Q, K, V);
    if (mask.restricts()) check_mask(mask.shape(), scores);
    return {autograd::attention(with_batch_of(Q, scores), with_batch_of(K, scores),
                                with_batch_of(V, scores), mask.parts(Tq, Tk), scale, slopes),
            Variable()};
  }
  Variable scores = attention_scores(Q, K, scale);  // (..., Tq, Tk)
  if (slopes.defined()) scores = scores + Variable(tensor::alibi_bias(slopes, Tq, Tk));
  const Variable weights = attention_weights(scores, mask);
  return {matmul(weights, V), weights};  // (..., Tq, Dv), (..., Tq, Tk)
}

MultiHeadAttention::MultiHeadAttention(int64_t width, int64_t number, lib::Generator& generator,
                                       MultiHeadOptions options)
    : heads(checked_heads(width, number)),
      kv_heads(checked_kv_heads(heads, options.kv_heads)),
      query(width, width, generator, Linear::Init::xavier),
      key(width, width / heads * kv_heads, generator, Linear::Init::xavier),
      value(width, width / heads * kv_heads, generator, Linear::Init::xavier),
      out(width, width, generator, Linear::Init::xavier),
      positions_(options.positions),
      variation_(options.variation) {
  if (positions_ == Positions::rotary && width / heads % 2 != 0) {
    lib::fail("MultiHeadAttention: width ", width, " over ", heads, " heads leaves ", width / heads,
              " columns each; rotary positions turn pairs of them");
  }
  if (positions_ == Positions::alibi && variation_ != Variation::none) {
    lib::fail("MultiHeadAttention: alibi positions lower the scores of the plain softmax; they do ",
              "not go with a variation of it");
  }
  add("query", query);
  add("key", key);
  add("value", value);
  add("out", out);
  if (variation_ != Variation::sink) return;
  sink = autograd::parameter(tensor::zeros({heads}));
  add("sink", sink);
}

Variable MultiHeadAttention::queries(const Variable& x, int64_t first) const {
  check_input(x);
  const Variable Q = split_heads(query.forward(x), heads);  // (B, H, T, D)
  return positions_ == Positions::rotary ? rotary_embedding(Q, 10000, first) : Q;
}

KeysAndValues MultiHeadAttention::keys_and_values(const Variable& x, const Variable& y,
                                                  int64_t first) const {
  check_input(x), check_input(y);
  const Variable K = split_heads(key.forward(x), kv_heads);    // (B, kv_heads, T, D)
  const Variable V = split_heads(value.forward(y), kv_heads);  // (B, kv_heads, T, D)
  return {positions_ == Positions::rotary ? rotary_embedding(K, 10000, first) : K, V};
}

AttentionOutput MultiHeadAttention::attend(const Variable& Q, const KeysAndValues& to,
                                           const Mask& mask, bool need_weights) const {
  const bool alibi = positions_ == Positions::alibi;
  const Tensor slopes = alibi ? alibi_slopes(heads, Q.dtype()) : Tensor();  // (H)
  const AttentionOutput attended =
      variation_ == Variation::none
          ? grouped_query_attention(Q, to.keys, to.values, mask, need_weights, slopes)
          : varied_attention(variation_, Q, to.keys, to.values, mask, sink);
  return {out.forward(join_heads(attended.output)),
          need_weights ? attended.weights : Variable()};  // (B, Tq, C), (B, H, Tq, Tk)
}

AttentionOutput MultiHeadAttention::forward(const Variable& query_input, const Variable& key_input,
                                            const Variable& value_input, const Mask& mask,
                                            bool need_weights) const {
  const Variable Q = queries(query_input);
  return attend(Q, keys_and_values(key_input, value_input), mask, need_weights);
}

AttentionOutput MultiHeadAttention::forward(const Variable& x, KeyValueCache& cache,
                                            const Mask& mask, bool need_weights) const {
  if (autograd::recording()) {
    lib::fail("MultiHeadAttention: a cache keeps keys and values without their graph, and no ",
              "gradient would reach them; go on from a cache inside NoGrad");
  }
  const int64_t first = cache.length();
  const Variable Q = queries(x, first);
  const KeysAndValues next = keys_and_values(x, x, first);
  cache.append(next.keys.value(), next.values.value());
  return attend(Q, {cache.keys(), cache.values()}, mask, need_weights);
}

}  // namespace qkv::nn
