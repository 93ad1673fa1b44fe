// The encoder-decoder Transformer: one sequence is read, another is written, and every position of
// the second looks at all of the first.
//
//   source (B, S) -> TokenInput -> encoder -> memory (B, S, C) ---.
//   target (B, T) -> TokenInput -> decoder: causal self-attention, cross-attention -> logits
//
// Source: Vaswani et al., "Attention is all you need", 2017, figure 1.
#pragma once

#include "nn/decoder.h"
#include "nn/decoding.h"
#include "nn/tokens.h"

namespace qkv::nn {

struct EncoderDecoderOutput {
  Variable logits;                        // (B, T, vocab)
  std::vector<Variable> encoder_weights;  // of each layer, (B, H, S, S)
  std::vector<Variable> self_weights;     // (B, H, T, T)
  std::vector<Variable> cross_weights;    // (B, H, T, S): which symbols of the source
};                                        // all empty without need_weights

class EncoderDecoderDecoding;

class EncoderDecoder : public Module {
 public:
  // vocab symbols of the target, source_vocab of the source; window and relative positions (rotary,
  // alibi) act in both self-attentions, not across. Tied embeddings: the table of the target gives
  // the logits. Throws std::invalid_argument as LanguageModel.
  EncoderDecoder(const TransformerConfig& config, lib::Generator& generator);

  // source (B, S) int64; row b has source_lengths[b] real symbols, all if none are given.
  // target_input (B, T) int64: BOS y0 y1 ...; what is padded behind its end changes nothing before.
  // Throws std::invalid_argument for symbols outside their alphabets, or sequences longer than
  // max_length.
  [[nodiscard]] EncoderDecoderOutput forward(const Tensor& source,
                                             const std::vector<int64_t>& source_lengths,
                                             const Tensor& target_input, bool need_weights = true);

  // What the encoder makes of a source (B, S) -> memory (B, S, C), weights of each layer.
  [[nodiscard]] EncoderOutput encode(const Tensor& source,
                                     const std::vector<int64_t>& source_lengths,
                                     bool need_weights = true);

  // Writes symbol by symbol, a row for each source; the model must outlive what is returned. Logits
  // are those of forward with the same need_weights, to the bit. Throws std::invalid_argument while
  // dropout is on: call eval() first.
  [[nodiscard]] std::unique_ptr<EncoderDecoderDecoding> begin(
      const Tensor& source, const std::vector<int64_t>& source_lengths, bool need_weights = true);

  TokenInput source_input, target_input;
  TransformerEncoder encoder;
  std::unique_ptr<LayerNorm> encoder_norm;  // of pre-norm layers, or none
  TransformerDecoder decoder;
  TokenOutput output;

 private:
  friend class EncoderDecoderDecoding;

  int64_t max_length_;
  double dropout_;
};

class EncoderDecoderDecoding : public NextSymbol {
 public:
  EncoderDecoderDecoding(EncoderDecoder& model, const Tensor& source,
                         const std::vector<int64_t>& source_lengths, bool need_weights);

  [[nodiscard]] Tensor next(const Tensor& symbols) override;
  void reorder(const std::vector<int64_t>& rows) override;

  // Head 0 of the last layer's cross-attention in the last step, (R, S); the others, and the mean
  // of all, are for the caller to make from last(). Undefined without need_weights.
  [[nodiscard]] Tensor weights() const override;

  // All of the last step, T = 1; encoder_weights are empty.
  [[nodiscard]] const EncoderDecoderOutput& last() const { return last_; }

 private:
  EncoderDecoder& model_;
  // Row r looks at source number sources_[r]; all that is of the sources is kept row by row.
  std::vector<int64_t> sources_;
  std::vector<int64_t> source_lengths_;  // of the rows; none without padding
  Mask padding_;
  std::vector<DecoderCache> caches_;
  bool need_weights_;
  EncoderDecoderOutput last_;
};

}  // namespace qkv::nn
