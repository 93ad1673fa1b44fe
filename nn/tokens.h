// Tokens on their way into a Transformer, and logits on their way out.
//
//   tokens (B, T) -> rows of a table (B, T, C) -> · √C, if sinusoids are added -> + positions
//   output (B, T, C) -> norm, if layers are pre-norm -> logits (B, T, vocab)
//
// Next: language_model.h, encoder_decoder.h.
#pragma once

#include "nn/transformer.h"

namespace qkv::nn {

// Parameters: embedding.weight (vocab, C); positions.weight (max_length, C) for learned ones.
//
// Sinusoids have numbers as large as 1. Rows to which they are added begin with deviation 1/√C and
// are multiplied by √C (Vaswani et al. 2017, section 3.4): neither drowns the other, and the table
// can serve for logits too. Other rows begin with deviation 0.02, as do learned positions, and are
// taken as they are (Radford et al. 2018, GPT; Devlin et al. 2019).
class TokenInput : public Module {
 public:
  // `model` is used in messages. Throws std::invalid_argument if a size is below 1.
  TokenInput(const char* model, int64_t vocab, const TransformerConfig& config,
             lib::Generator& generator);

  // tokens (B, T) int64, at positions first .. first + T - 1 -> (B, T, C). Throws
  // std::invalid_argument for another rank, a token outside [0, vocab), or a position beyond
  // max_length.
  [[nodiscard]] Variable forward(const Tensor& tokens, int64_t first = 0);

  Embedding embedding;
  AddedPositions positions;

 private:
  const char* model_;
  double scale_;
  Dropout dropout_;
};

// Sequence b of tokens (B, T) has lengths[b] real ones; no restriction if none are given. Throws
// std::invalid_argument, naming the model, unless there are B of them, each in [0, T].
[[nodiscard]] Mask padding_of(const char* model, const Tensor& tokens,
                              const std::vector<int64_t>& lengths);

// Parameters: norm.weight, norm.bias (C) for pre-norm layers, whose sum nobody has normalised;
// linear.weight (vocab, C) and linear.bias unless the embeddings are tied.
class TokenOutput : public Module {
 public:
  TokenOutput(int64_t vocab, const TransformerConfig& config, lib::Generator& generator);

  // x (B, T, C) -> logits (B, T, vocab). Tied: the scores are products with the rows of `table`
  // (vocab, C), one parameter for input and output. Source: Press and Wolf 2017.
  [[nodiscard]] Variable forward(const Variable& x, const Variable& table) const;

  std::unique_ptr<LayerNorm> norm;  // or none
  std::unique_ptr<Linear> linear;   // or none: tied
};

}  // namespace qkv::nn
