// Scaled dot-product and multi-head attention, step by step.
#include "nn/attention.h"

#include <cmath>

#include "autograd/ops.h"
#include "lib/text.h"

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

// Why 1/√D: a dot product of D independent terms of variance 1 has variance D. Unscaled, the scores
// of wide heads are large, softmax is all but one-hot, and its gradient y (dy - Σ dy y) vanishes.
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
                                             std::optional<double> scale) {
  check_operands(Q, K, V);
  const int64_t Tq = Q.shape().from_end(2), Tk = K.shape().from_end(2);
  if (!need_weights) {
    const Shape scores = scores_shape(Q, K, V);
    if (mask.restricts()) check_mask(mask.shape(), scores);
    return {autograd::attention(with_batch_of(Q, scores), with_batch_of(K, scores),
                                with_batch_of(V, scores), mask.parts(Tq, Tk), scale),
            Variable()};
  }
  const Variable weights = attention_weights(attention_scores(Q, K, scale), mask);
  return {matmul(weights, V), weights};  // (..., Tq, Dv), (..., Tq, Tk)
}

MultiHeadAttention::MultiHeadAttention(int64_t width, int64_t number, lib::Generator& generator)
    : heads(checked_heads(width, number)),
      query(width, width, generator, Linear::Init::xavier),
      key(width, width, generator, Linear::Init::xavier),
      value(width, width, generator, Linear::Init::xavier),
      out(width, width, generator, Linear::Init::xavier) {
  add("query", query);
  add("key", key);
  add("value", value);
  add("out", out);
}

AttentionOutput MultiHeadAttention::forward(const Variable& query_input, const Variable& key_input,
                                            const Variable& value_input, const Mask& mask,
                                            bool need_weights) const {
  for (const Variable* x : {&query_input, &key_input, &value_input}) {
    if (x->rank() != 3) lib::fail("MultiHeadAttention: input is ", x->shape(), "; need (B, T, C)");
  }
  const Variable Q = split_heads(query.forward(query_input), heads);  // (B, H, Tq, D)
  const Variable K = split_heads(key.forward(key_input), heads);      // (B, H, Tk, D)
  const Variable V = split_heads(value.forward(value_input), heads);  // (B, H, Tk, D)
  const AttentionOutput attended = scaled_dot_product_attention(Q, K, V, mask, need_weights);
  return {out.forward(join_heads(attended.output)),
          attended.weights};  // (B, Tq, C), (B, H, Tq, Tk)
}

}  // namespace qkv::nn
