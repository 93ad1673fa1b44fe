// The language model's forward pass, at once and step by step. Shapes: B batch, R rows that are
// written together, T sequence, C width.
#include "nn/language_model.h"

#include "autograd/engine.h"
#include "lib/text.h"
#include "tensor/views.h"

namespace qkv::nn {

LanguageModel::LanguageModel(const TransformerConfig& config, lib::Generator& generator)
    : input("LanguageModel", config.vocab, config, generator),
      layers(config, generator),
      output(config.vocab, config, generator),
      max_length_(config.max_length),
      dropout_(config.dropout) {
  add("input", input);
  add("layers", layers);
  add("output", output);
}

LanguageModelOutput LanguageModel::forward(const Tensor& tokens,
                                           const std::vector<int64_t>& lengths, bool need_weights) {
  const Variable x = input.forward(tokens);  // (B, T, C)
  const int64_t T = tokens.shape()[1];
  const Mask mask = Mask::causal(T) & padding_of("LanguageModel", tokens, lengths);
  const EncoderOutput result = layers.forward(x, mask, need_weights);  // (B, T, C)
  return {output.forward(result.output, input.embedding.weight), result.weights};
}

LanguageModelOutput LanguageModel::forward(const Tensor& tokens, std::vector<KeyValueCache>& caches,
                                           bool need_weights) {
  const int64_t before = caches.empty() ? 0 : caches.front().length();
  const Variable x = input.forward(tokens, before);  // (R, T, C)
  const int64_t T = tokens.shape()[1];
  const EncoderOutput result =
      layers.forward(x, Mask::causal(T, before + T), need_weights, &caches);  // (R, T, C)
  return {output.forward(result.output, input.embedding.weight), result.weights};
}

std::vector<KeyValueCache> LanguageModel::make_caches(int64_t rows) const {
  std::vector<KeyValueCache> caches;
  for (const auto& layer : layers.layers) {
    const MultiHeadAttention& attention = layer->attention;
    const int64_t D = attention.query.weight.shape()[0] / attention.heads;
    caches.emplace_back(rows, attention.kv_heads, max_length_, D, attention.query.weight.dtype());
  }
  return caches;
}

std::unique_ptr<LanguageModelDecoding> LanguageModel::begin(int64_t rows, bool need_weights) {
  require_no_dropout("LanguageModel", training(), dropout_);
  return std::make_unique<LanguageModelDecoding>(*this, rows, need_weights);
}

// ---- step by step -------------------------------------------------------------------------------

LanguageModelDecoding::LanguageModelDecoding(LanguageModel& model, int64_t rows, bool need_weights)
    : model_(model), caches_(model.make_caches(rows)), need_weights_(need_weights) {}

Tensor LanguageModelDecoding::prompt(const Tensor& tokens) {
  const autograd::NoGrad quiet;
  last_ = model_.forward(tokens, caches_, need_weights_);  // (R, P, vocab)
  return tensor::select(last_.logits.value(), 1, -1);      // (R, vocab)
}

Tensor LanguageModelDecoding::next(const Tensor& symbols) {
  return prompt(tensor::reshape(symbols, {symbols.numel(), 1}));
}

void LanguageModelDecoding::reorder(const std::vector<int64_t>& rows) {
  for (KeyValueCache& cache : caches_) cache.reorder(rows);
}

}  // namespace qkv::nn
