// Fused attention on tensors: lib/attention.h with shapes, masks and strides sorted out.
#pragma once

#include "tensor/tensor.h"

namespace qkv::tensor {

// Which keys a query may attend to: those that every part allows; a part left out allows all.
struct AttentionMask {
  bool causal = false;      // query i sees keys 0 .. i + (Tk - Tq)
  Tensor key_lengths = {};  // (B) or (1) int64: keys behind a batch's length do not exist
  Tensor allowed = {};      // bool, true = may attend; broadcasts to (B, H, Tq, Tk)
};

// The same as one bool tensor that broadcasts to (B, H, Tq, Tk); undefined if all is allowed.
[[nodiscard]] Tensor dense_mask(const AttentionMask& mask, int64_t queries, int64_t keys);

// What ALiBi adds to scores: -slopes[h] |i + (Tk - Tq) - j|, the last query beside the last key.
// slopes (H), floating -> (H, Tq, Tk). Source: Press, Smith, Lewis 2022, section 3.
[[nodiscard]] Tensor alibi_bias(const Tensor& slopes, int64_t queries, int64_t keys);

struct AttentionResult {
  Tensor output;     // (B, H, Tq, Dv)
  Tensor logsumexp;  // (B, H, Tq): what backward needs in place of the weights
};

// softmax(scale Q Kᵀ) V over the keys that the mask allows; memory O(Tq + Tk). A query without keys
// gives output 0. Q (B, H, Tq, D), K (B, H, Tk, D), V (B, H, Tk, Dv); H, or B and H, may be left
// out, but not with slopes (H), for which alibi_bias is added to the scores. Throws
// std::invalid_argument if shapes or dtypes do not fit.
//
// A result of 4 axes lies in memory as (B, Tq, H, Dv), so that joining its heads copies nothing.
[[nodiscard]] AttentionResult attention(const Tensor& Q, const Tensor& K, const Tensor& V,
                                        const AttentionMask& mask, double scale,
                                        const Tensor& slopes = {});

struct AttentionGradients {
  Tensor dQ, dK, dV;
};

// The gradients at operands for which attention() gave `result`, from that of its output.
[[nodiscard]] AttentionGradients attention_backward(const Tensor& Q, const Tensor& K,
                                                    const Tensor& V, const AttentionMask& mask,
                                                    double scale, const AttentionResult& result,
                                                    const Tensor& dO, const Tensor& slopes = {});

}  // namespace qkv::tensor
