// Variations of attention: each as the lines in which it differs from attention.cpp.
#include "nn/variations.h"

#include "autograd/ops.h"
#include "lib/text.h"

namespace qkv::nn {
namespace {

// Each of the G heads H/G times in a row:   G = 2, H = 4:   a b -> a a b b
Variable repeat_heads(const Variable& x, int64_t H) {
  const int64_t B = x.shape()[0], G = x.shape()[1], T = x.shape()[2], D = x.shape()[3];
  if (G == H) return x;
  const Variable each = reshape(x, {B, G, 1, T, D});
  return reshape(expand(each, {B, G, H / G, T, D}), {B, H, T, D});
}

}  // namespace

// ---- grouped queries ----------------------------------------------------------------------------
//
//   weights_h = softmax(Q_h K_gᵀ / √D),   output_h = weights_h V_g,   g = h / (H/G), rounded down
//
// The adjoint of repeating is a sum: K_g gets the gradients of all the query heads that look at it.
AttentionOutput grouped_query_attention(const Variable& Q, const Variable& K, const Variable& V,
                                        const Mask& mask, bool need_weights, const Tensor& slopes) {
  const bool heads = Q.rank() == 4 && K.rank() == 4 && V.rank() == 4;
  const int64_t H = heads ? Q.shape()[1] : 0, G = heads ? K.shape()[1] : 0;
  if (!heads || G < 1 || H % G != 0 || V.shape()[1] != G) {
    lib::fail("grouped_query_attention: Q is ", Q.shape(), ", K ", K.shape(), ", V ", V.shape(),
              "; need (B, H, Tq, D), (B, G, Tk, D), (B, G, Tk, Dv), and G must divide H");
  }
  return scaled_dot_product_attention(Q, repeat_heads(K, H), repeat_heads(V, H), mask, need_weights,
                                      {}, slopes);
}

}  // namespace qkv::nn
