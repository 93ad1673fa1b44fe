// Variations of attention: each as the lines in which it differs from attention.cpp.
// Next: linear_attention.cpp.
#include "nn/variations.h"

#include <cmath>
#include <limits>

#include "autograd/ops.h"
#include "lib/text.h"
#include "nn/linear_attention.h"
#include "tensor/elementwise.h"
#include "tensor/index.h"
#include "tensor/reduce.h"
#include "tensor/views.h"

namespace qkv::nn {
namespace {

void require_positive(const char* name, const char* what, double number) {
  if (!(number > 0) || std::isinf(number)) {
    lib::fail(name, ": ", what, " is ", number, "; need a number > 0");
  }
}

// Each of the G heads H/G times in a row:   G = 2, H = 4:   a b -> a a b b
Variable repeat_heads(const Variable& x, int64_t H) {
  const int64_t B = x.shape()[0], G = x.shape()[1], T = x.shape()[2], D = x.shape()[3];
  if (G == H) return x;
  const Variable each = reshape(x, {B, G, 1, T, D});
  return reshape(expand(each, {B, G, H / G, T, D}), {B, H, T, D});
}

// The same mask with one key more, which everybody sees, before the others.
//
//   # . .        # # . .
//   # # .   ->   # # # .
Mask with_sink(const Mask& mask, int64_t keys) {
  if (!mask.restricts()) return mask;
  Shape shape = mask.shape();
  shape[shape.rank() - 1] = keys;
  const Tensor allowed = tensor::expand(mask.allowed(), shape);  // (..., Tq, Tk)
  shape[shape.rank() - 1] = 1;
  return Mask::allow(tensor::concat({tensor::ones(shape, Dtype::boolean), allowed}, -1));
}

// The number H of query heads, after a look at all shapes.
int64_t checked_groups(const char* name, const Variable& Q, const Variable& K, const Variable& V) {
  const bool heads = Q.rank() == 4 && K.rank() == 4 && V.rank() == 4;
  const int64_t H = heads ? Q.shape()[1] : 0, G = heads ? K.shape()[1] : 0;
  if (!heads || G < 1 || H % G != 0 || V.shape()[1] != G) {
    lib::fail(name, ": Q is ", Q.shape(), ", K ", K.shape(), ", V ", V.shape(),
              "; need (B, H, Tq, D), (B, G, Tk, D), (B, G, Tk, Dv), and G must divide H");
  }
  return H;
}

}  // namespace

// ---- grouped queries ----------------------------------------------------------------------------
//
//   weights_h = softmax(Q_h K_gᵀ / √D),   output_h = weights_h V_g,   g = h / (H/G), rounded down
//
// The adjoint of repeating is a sum: K_g gets the gradients of all the query heads that look at it.
AttentionOutput grouped_query_attention(const Variable& Q, const Variable& K, const Variable& V,
                                        const Mask& mask, bool need_weights, const Tensor& slopes) {
  const int64_t H = checked_groups("grouped_query_attention", Q, K, V);
  return scaled_dot_product_attention(Q, repeat_heads(K, H), repeat_heads(V, H), mask, need_weights,
                                      {}, slopes);
}

// ---- soft cap -----------------------------------------------------------------------------------
//
//   weights = softmax(c tanh(Q Kᵀ / (c √D)))
//
// d(c tanh(s/c))/ds = 1 - tanh²(s/c): about 1 for |s| far below c, about 0 far above. The mask is
// applied behind the cap, or what it forbids would be squashed to -c and allowed again.
AttentionOutput soft_capped_attention(const Variable& Q, const Variable& K, const Variable& V,
                                      double cap, const Mask& mask) {
  require_positive("soft_capped_attention", "cap", cap);
  const Variable scores = attention_scores(Q, K);
  const Variable weights = attention_weights(tanh(scores / cap) * cap, mask);
  return {matmul(weights, V), weights};
}

// ---- sink ---------------------------------------------------------------------------------------
//
//   weights_j = exp(s_j) / (exp(sink) + Σ_k exp(s_k))         sink = 0: exp(sink) is 1
//
// The softmax of [sink s_1 ... s_Tk], whose first column is cut off again. Its gradient does not
// vanish with the column: the sink's logit is pushed up wherever the keys' weights should shrink.
AttentionOutput sink_attention(const Variable& Q, const Variable& K, const Variable& V,
                               const Variable& sink, const Mask& mask) {
  const Variable scores = attention_scores(Q, K);  // (B, H, Tq, Tk)
  const int64_t Tk = scores.shape().from_end(1);
  Shape column = scores.shape();
  column[column.rank() - 1] = 1;
  Variable logit = tensor::zeros({1, 1}, scores.dtype());
  if (sink.defined()) {
    if (scores.rank() < 3 || sink.shape() != Shape{scores.shape().from_end(3)}) {
      lib::fail("sink_attention: sink is ", sink.shape(), ", the scores are ", scores.shape(),
                "; need a logit for each head, (H) for (B, H, Tq, Tk)");
    }
    logit = reshape(sink, {sink.shape()[0], 1, 1});
  }
  const Variable all = autograd::concat({expand(logit, column), scores}, -1);  // (B, H, Tq, 1 + Tk)
  const Variable weights = slice(attention_weights(all, with_sink(mask, Tk)), -1, 1, 1 + Tk);
  return {matmul(weights, V), weights};  // (B, H, Tq, Dv), (B, H, Tq, Tk)
}

// ---- hard ---------------------------------------------------------------------------------------
//
//   weights_j = 1 for the first j with the largest score among the allowed, else 0
//
// The weights are constants: between two ties nothing moves them, and at a tie they jump. So the
// gradient check, too, finds slope 0 in Q and K, and refuses to check the elements at a tie.
AttentionOutput hard_attention(const Variable& Q, const Variable& K, const Variable& V,
                               const Mask& mask) {
  Tensor scores = attention_scores(Q.detach(), K.detach()).value();
  const int64_t Tk = scores.shape().from_end(1);
  const Tensor forbidden = mask.restricts() ? tensor::logical_not(mask.allowed()) : Tensor();
  if (forbidden.defined()) {
    scores = tensor::masked_fill(scores, forbidden, -std::numeric_limits<double>::infinity());
  }
  Tensor weights = tensor::one_hot(tensor::argmax(scores, -1), Tk, scores.dtype());
  if (forbidden.defined()) weights = tensor::masked_fill(weights, forbidden, 0);
  return {matmul(weights, V), weights};
}

// ---- kernel -------------------------------------------------------------------------------------
//
//   weights = softmax(-|q - k|²/2h²),   |q - k|² = |q|² - 2 q·k + |k|²
//
// |q|² is the same for the whole row, and cancels. What is left is the dot product, with 1/h² for
// 1/√D, less half of |k|²: for keys of one length, scaled dot-product attention itself.
AttentionOutput kernel_attention(const Variable& Q, const Variable& K, const Variable& V,
                                 double bandwidth, const Mask& mask) {
  require_positive("kernel_attention", "bandwidth", bandwidth);
  const Variable lengths = transpose(sum(K * K, {-1}, true));  // (..., 1, Tk)
  const Variable scores = attention_scores(Q, K, 1.0) - lengths * 0.5;
  const Variable weights = attention_weights(scores / (bandwidth * bandwidth), mask);
  return {matmul(weights, V), weights};
}

// ---- by name ------------------------------------------------------------------------------------

AttentionOutput varied_attention(Variation variation, const Variable& Q, const Variable& K,
                                 const Variable& V, const Mask& mask, const Variable& sink) {
  constexpr double kCap = 10;
  const int64_t H = checked_groups("varied_attention", Q, K, V);
  const Variable keys = repeat_heads(K, H), values = repeat_heads(V, H);  // (B, H, Tk, D or Dv)
  switch (variation) {
    case Variation::soft_cap:
      return soft_capped_attention(Q, keys, values, kCap, mask);
    case Variation::sink:
      return sink_attention(Q, keys, values, sink, mask);
    case Variation::kernel:
      return kernel_attention(Q, keys, values, std::pow(static_cast<double>(Q.shape()[3]), 0.25),
                              mask);
    case Variation::hard:
      return hard_attention(Q, keys, values, mask);
    case Variation::linear:
      return linear_attention(Q, keys, values, mask);
    case Variation::none:
      break;
  }
  return scaled_dot_product_attention(Q, keys, values, mask);
}

}  // namespace qkv::nn
