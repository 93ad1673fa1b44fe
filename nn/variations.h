// Variations of attention, each a small change to scaled_dot_product_attention (attention.h).
#pragma once

#include "nn/attention.h"

namespace qkv::nn {

// Several query heads share one head of keys and values:
//
//   H = 4, G = 2:   query heads   0 1 2 3
//                   key heads     0 0 1 1        head h looks at key head h / (H/G)
//
// Q (B, H, Tq, D), K (B, G, Tk, D), V (B, G, Tk, Dv) -> output (B, H, Tq, Dv), weights
// (B, H, Tq, Tk). G = H is multi-head attention, G = 1 multi-query; what shrinks is the memory for
// the keys and values of earlier positions. Throws std::invalid_argument unless G divides H.
// Sources: Shazeer 2019, "Fast transformer decoding"; Ainslie et al. 2023, "GQA".
[[nodiscard]] AttentionOutput grouped_query_attention(const Variable& Q, const Variable& K,
                                                      const Variable& V, const Mask& mask = {},
                                                      bool need_weights = true,
                                                      const Tensor& slopes = {});

}  // namespace qkv::nn
