// Scaled dot-product attention, fused: the definition beneath is the text; the kernels of
// lib/kernels/attention.inl compute the same without ever holding the weights of a whole row.
#include "tensor/attention.h"

#include <cmath>

#include "autograd/node.h"
#include "autograd/ops.h"

namespace qkv::autograd {
namespace {

// The definition, by simple operations. Q (..., Tq, D), K (..., Tk, D), V (..., Tk, Dv).
Variable attention_definition(const std::vector<Variable>& in, const tensor::AttentionMask& mask,
                              double scale, const Tensor& slopes) {
  const Variable &Q = in[0], &K = in[1], &V = in[2];
  const int64_t Tq = Q.shape().from_end(2), Tk = K.shape().from_end(2);
  Variable scores = matmul(Q, transpose(K)) * scale;  // (..., Tq, Tk)
  if (slopes.defined()) scores = scores + Variable(tensor::alibi_bias(slopes, Tq, Tk));
  const Tensor allowed = tensor::dense_mask(mask, Tq, Tk);
  const Variable weights =
      allowed.defined() ? masked_softmax(scores, allowed) : softmax(scores, -1);
  return matmul(weights, V);  // (..., Tq, Dv)
}

// A mask as it was: overwriting a part of it before backward is an error, as for any operand.
class SavedMask {
 public:
  explicit SavedMask(const tensor::AttentionMask& mask) : causal_(mask.causal) {
    if (mask.key_lengths.defined()) key_lengths_ = mask.key_lengths;
    if (mask.allowed.defined()) allowed_ = mask.allowed;
  }
  [[nodiscard]] tensor::AttentionMask get() const {
    return {.causal = causal_,
            .key_lengths = key_lengths_ ? key_lengths_->value() : Tensor(),
            .allowed = allowed_ ? allowed_->value() : Tensor()};
  }

 private:
  bool causal_;
  std::optional<Saved> key_lengths_, allowed_;
};

class SavedSlopes {
 public:
  explicit SavedSlopes(const Tensor& slopes) {
    if (slopes.defined()) slopes_ = slopes;
  }
  [[nodiscard]] Tensor get() const { return slopes_ ? slopes_->value() : Tensor(); }

 private:
  std::optional<Saved> slopes_;
};

}  // namespace

// ---- attention (fused) --------------------------------------------------------------------------
//
//   forward    P = softmax(scale Q Kᵀ)  over the allowed keys      (..., Tq, Tk), never kept
//              O = P V                                             (..., Tq, Dv)
//   backward   dV = Pᵀ dO                                          (..., Tk, Dv)
//              dS = P (dP - rowsum(dO O)),  dP = dO Vᵀ             (..., Tq, Tk), never kept
//              dQ = scale dS K                                     (..., Tq, D)
//              dK = scale dSᵀ Q                                    (..., Tk, D)
//
// With slopes, slopes[h] |i + (Tk - Tq) - j| is taken off score ij: constants, no adjoint changes.
//
// Saved: Q, K, V, O, and one number per query, the log-sum-exp of its scores, from which P is
// computed again tile by tile. Memory O(T), where the weights are O(T²).
Variable attention(const Variable& Q, const Variable& K, const Variable& V,
                   const tensor::AttentionMask& mask, std::optional<double> wanted_scale,
                   const Tensor& slopes) {
  const double D = Q.rank() > 0 ? static_cast<double>(Q.shape().from_end(1)) : 1;
  const double scale = wanted_scale.value_or(1 / std::sqrt(D));
  const SavedSlopes saved_slopes(slopes);
  const auto definition = [m = SavedMask(mask), scale,
                           saved_slopes](const std::vector<Variable>& in) {
    return attention_definition(in, m.get(), scale, saved_slopes.get());
  };
  if (using_definitions()) return definition({Q, K, V});

  const tensor::AttentionResult result =
      tensor::attention(Q.value(), K.value(), V.value(), mask, scale, slopes);
  const auto backward = [q = Q.value(), k = K.value(), v = V.value(), m = SavedMask(mask), scale,
                         saved_slopes, O = Saved(result.output),
                         L = Saved(result.logsumexp)](const Tensor& dO) -> std::vector<Tensor> {
    const auto [dQ, dK, dV] = tensor::attention_backward(
        q, k, v, m.get(), scale, {O.value(), L.value()}, dO, saved_slopes.get());
    return {dQ, dK, dV};
  };
  return record_fused("attention", {Q, K, V}, result.output, backward, definition);
}

}  // namespace qkv::autograd
