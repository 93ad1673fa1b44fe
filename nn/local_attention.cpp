// The place that a query predicts, the window around it, and the bell that lets gradients move it.
#include "nn/local_attention.h"

#include <cmath>

#include "autograd/ops.h"
#include "tensor/elementwise.h"
#include "tensor/matmul.h"
#include "tensor/views.h"

namespace qkv::nn {
namespace {

// How many keys each query may attend to, for scores (B, 1, Tq, T):  (B, Tq) or (B, 1) or (1, 1).
Tensor lengths_of(const Mask& mask, const Variable& scores) {
  const auto T = static_cast<double>(scores.shape()[3]);
  if (!mask.restricts()) return tensor::full({1, 1}, T, scores.dtype());
  Shape shape = mask.shape();  // (..., Tq, T)
  while (shape.rank() < 4) shape.insert(0, 1);
  shape[3] = scores.shape()[3];
  const Tensor cells = tensor::expand(mask.allowed(), shape);
  const Tensor ones = tensor::full({shape[3], 1}, 1, scores.dtype());
  const Tensor counts = tensor::matmul(cells.to(scores.dtype()), ones);  // (B, 1, Tq, 1)
  return tensor::reshape(counts, {shape[0] * shape[1], shape[2]});
}

}  // namespace

LocalAttention::LocalAttention(int64_t query_width, int64_t key_width, int64_t hidden,
                               int64_t half_width, lib::Generator& generator)
    : GeneralAttention("LocalAttention", query_width, key_width, generator), window(half_width) {
  require_size("LocalAttention", "hidden", hidden);
  require_size("LocalAttention", "window", window);
  const double of_query = 1 / std::sqrt(static_cast<double>(query_width));
  position_weight = uniform_parameter({hidden, query_width}, of_query, generator);
  position_v = uniform_parameter({hidden}, 1 / std::sqrt(static_cast<double>(hidden)), generator);
  add("position_weight", position_weight);
  add("position_v", position_v);
}

Variable LocalAttention::centre(const Variable& query, const Tensor& lengths) const {
  const Variable hidden = tanh(linear(query, position_weight));                  // (B, Tq, hidden)
  const Variable share = sigmoid(linear(hidden, reshape(position_v, {1, -1})));  // (B, Tq, 1)
  return reshape(share, {query.shape()[0], query.shape()[1]}) * Variable(lengths);  // (B, Tq)
}

// The window is chosen, not learnt: it jumps, and has no gradient. What moves p_t is the bell. At
// the edge of the window it is at exp(-2) = 0.14.
Variable LocalAttention::weigh(const Variable& query, const Variable& scores,
                               const Mask& mask) const {
  const int64_t B = scores.shape()[0], Tq = scores.shape()[2], T = scores.shape()[3];
  const Variable p = reshape(centre(query, lengths_of(mask, scores)), {B, 1, Tq, 1});
  const Variable away = Variable(tensor::arange(T, scores.dtype())) - p;  // s - p_t  (B, 1, Tq, T)
  const auto D = static_cast<double>(window);
  const Tensor near =
      tensor::less_equal(tensor::abs(away.value()), tensor::scalar(D, away.dtype()));
  const Variable bell = exp(away * away * (-2 / (D * D)));  // 1 / (2 σ²) = 2 / D²
  return attention_weights(scores, mask & Mask::allow(near)) * bell;
}

}  // namespace qkv::nn
