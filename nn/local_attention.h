// Local attention: the decoder says where in the source it is, and looks around there only. Source:
// Luong, Pham, Manning 2015, section 3.2, "local-p" (p: the position is predicted).
//
//   D = 2, p_t = 3.4      position    0   1   2   3   4   5   6
//                         seen        .   .   #   #   #   #   .       |position - p_t| <= D
//
// Next: seq2seq.h, a decoder that can use this one or any other.
#pragma once

#include "nn/score_attention.h"

namespace qkv::nn {

//   p_t = S sigmoid(v_pᵀ tanh(W_p h_t))                                   equation 9
//   weight(s) = softmax(score)(s) exp(-(s - p_t)² / (2 σ²)),  σ = D / 2    equation 10
//
// S is the sequence's own length: of a row of the mask, how many keys it allows. Positions s count
// from 0; the softmax runs over those that are seen; the score is that of the base, the best one in
// the paper. As there, the weights are not divided by their sum, which is below 1.
class LocalAttention : public GeneralAttention {
 public:
  // window is D. Throws std::invalid_argument unless every size is at least 1.
  LocalAttention(int64_t query_width, int64_t key_width, int64_t hidden, int64_t window,
                 lib::Generator& generator);

  // p_t of queries (B, Tq, Cq) over sequences of these lengths -> (B, Tq); lengths is a floating
  // tensor that broadcasts to (B, Tq).
  [[nodiscard]] Variable centre(const Variable& query, const Tensor& lengths) const;

  Variable position_weight;  // W_p (hidden, Cq)
  Variable position_v;       // v_p (hidden)
  const int64_t window;

 private:
  [[nodiscard]] Variable weigh(const Variable& query, const Variable& scores,
                               const Mask& mask) const override;
};

}  // namespace qkv::nn
