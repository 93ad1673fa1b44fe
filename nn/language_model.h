// A language model: the decoder-only Transformer, which writes without reading anything else first.
// Every position predicts the symbol that follows, from itself and those before it.
//
//   input     BOS  t   h   e          tokens -> TokenInput -> L causal layers -> TokenOutput
//   target    t    h   e   EOS                  (tokens.h: to rows of numbers, and back to logits)
//
// Sources: Radford et al. 2018, "GPT"; pre-norm with a norm at the end: Radford et al. 2019.
#pragma once

#include "nn/decoding.h"
#include "nn/tokens.h"

namespace qkv::nn {

struct LanguageModelOutput {
  Variable logits;                // (B, T, vocab)
  std::vector<Variable> weights;  // of each layer, (B, H, T, T); none without need_weights
};

class LanguageModelDecoding;

class LanguageModel : public Module {
 public:
  // Throws std::invalid_argument if a size is below 1, width % heads != 0, heads % kv_heads != 0,
  // or dropout is outside [0, 1).
  LanguageModel(const TransformerConfig& config, lib::Generator& generator);

  // tokens (B, T) int64; sequence b has lengths[b] real ones, all if none are given. What comes out
  // at real positions does not depend on the rest. Throws std::invalid_argument for a token outside
  // [0, vocab), a sequence longer than max_length, or lengths that do not fit.
  [[nodiscard]] LanguageModelOutput forward(const Tensor& tokens,
                                            const std::vector<int64_t>& lengths = {},
                                            bool need_weights = true);

  // The same for tokens (R, T) that go on after those in the caches, weights (R, H, T, all). For
  // writing: throws std::invalid_argument unless a NoGrad lives.
  [[nodiscard]] LanguageModelOutput forward(const Tensor& tokens,
                                            std::vector<KeyValueCache>& caches,
                                            bool need_weights = true);

  // Empty caches for `rows` sequences of up to max_length symbols, one for each layer.
  [[nodiscard]] std::vector<KeyValueCache> make_caches(int64_t rows) const;

  // Symbol by symbol, for `rows` sequences at once; the model must outlive what is returned. Logits
  // are those of forward with the same need_weights, to the bit. Throws std::invalid_argument while
  // dropout is on: call eval() first.
  [[nodiscard]] std::unique_ptr<LanguageModelDecoding> begin(int64_t rows,
                                                             bool need_weights = true);

  TokenInput input;
  TransformerEncoder layers;
  TokenOutput output;

 private:
  int64_t max_length_;
  double dropout_;
};

class LanguageModelDecoding : public NextSymbol {
 public:
  LanguageModelDecoding(LanguageModel& model, int64_t rows, bool need_weights);

  // Several symbols at once, (R, P) int64, before the first next() or between two: the logits after
  // the last of them, (R, vocab). To go on from a prompt with greedy or another decoder, give all
  // of it but the last symbol here, and that as DecodingOptions::first.
  Tensor prompt(const Tensor& tokens);

  [[nodiscard]] Tensor next(const Tensor& symbols) override;
  void reorder(const std::vector<int64_t>& rows) override;

  // All of the last step, T = 1, or of the last prompt. There is no source, so weights() has none.
  [[nodiscard]] const LanguageModelOutput& last() const { return last_; }

 private:
  LanguageModel& model_;
  std::vector<KeyValueCache> caches_;
  bool need_weights_;
  LanguageModelOutput last_;
};

}  // namespace qkv::nn
