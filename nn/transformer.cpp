// The encoder's forward pass. Shapes: B batch, T sequence, C width, H heads.
#include "nn/transformer.h"

#include "autograd/ops.h"
#include "lib/text.h"
#include "tensor/index.h"

namespace qkv::nn {

MultiHeadOptions self_attention_options(const TransformerConfig& config) {
  return {
      .kv_heads = config.kv_heads, .positions = config.positions, .variation = config.variation};
}

EncoderLayer::EncoderLayer(const TransformerConfig& config, lib::Generator& generator)
    : attention(config.width, config.heads, generator, self_attention_options(config)),
      feed_forward(config.width, config.feed_forward, config.activation, config.dropout, generator),
      norm1(config.width),
      norm2(config.width),
      norm_(config.norm),
      dropout_(config.dropout, generator) {
  add("attention", attention);
  add("feed_forward", feed_forward);
  add("norm1", norm1);
  add("norm2", norm2);
  add("dropout", dropout_);
}

AttentionOutput EncoderLayer::forward(const Variable& x, const Mask& mask, bool need_weights,
                                      KeyValueCache* cache) {
  const auto attend = [&](const Variable& q) {
    return cache ? attention.forward(q, *cache, mask, need_weights)
                 : attention.forward(q, q, q, mask, need_weights);  // (B, T, C)
  };
  if (norm_ == Norm::post) {
    const auto [attended, weights] = attend(x);
    const Variable middle = norm1.forward(x + dropout_.forward(attended));    // (B, T, C)
    const Variable thought = dropout_.forward(feed_forward.forward(middle));  // (B, T, C)
    return {norm2.forward(middle + thought), weights};
  }
  const auto [attended, weights] = attend(norm1.forward(x));
  const Variable middle = x + dropout_.forward(attended);                // (B, T, C)
  const Variable thought = feed_forward.forward(norm2.forward(middle));  // (B, T, C)
  return {middle + dropout_.forward(thought), weights};
}

TransformerEncoder::TransformerEncoder(const TransformerConfig& config, lib::Generator& generator)
    : window_(config.window), sinks_(config.sinks) {
  if (sinks_ < 0 || (sinks_ > 0 && window_ == 0)) {
    lib::fail("TransformerEncoder: sinks are ", sinks_, ", window is ", window_,
              "; sinks need a window, beside which they stay in sight");
  }
  if (window_ < 0) lib::fail("TransformerEncoder: window is ", window_, "; need at least 0");
  if (config.layers < 1)
    lib::fail("TransformerEncoder: layers is ", config.layers, "; need at least 1");
  for (int64_t i = 0; i < config.layers; ++i) {
    layers.push_back(std::make_unique<EncoderLayer>(config, generator));
    add(lib::str(i), *layers.back());
  }
}

EncoderOutput TransformerEncoder::forward(const Variable& x, const Mask& mask, bool need_weights,
                                          std::vector<KeyValueCache>* caches) {
  if (x.rank() != 3) lib::fail("TransformerEncoder: x is ", x.shape(), "; need (B, T, C)");
  if (caches && caches->size() != layers.size()) {
    lib::fail("TransformerEncoder: there are ", caches->size(), " caches for ", layers.size(),
              " layers; need one for each");
  }
  const int64_t T = x.shape()[1], before = caches ? caches->front().length() : 0;
  const Mask near = window_ > 0 ? mask & Mask::band(T, before + T, window_, sinks_) : mask;
  EncoderOutput result{x, {}};
  for (size_t i = 0; i < layers.size(); ++i) {
    KeyValueCache* const cache = caches ? &(*caches)[i] : nullptr;
    const AttentionOutput step = layers[i]->forward(result.output, near, need_weights, cache);
    result.output = step.output;
    if (need_weights) result.weights.push_back(step.weights);
  }
  return result;
}

EncoderClassifier::EncoderClassifier(const TransformerConfig& config, lib::Generator& generator)
    : input(config.vocab, config.width, generator),
      encoder(config, generator),
      output1(config.width, config.width, generator),
      output_norm(config.width),
      output2(config.width, config.vocab, generator),
      vocab_(config.vocab),
      input_dropout_(config.dropout, generator),
      output_dropout_(config.dropout, generator),
      positions_("EncoderClassifier", config.positions, config.max_length, config.width,
                 generator) {
  if (config.tied_embeddings) {
    lib::fail("EncoderClassifier: tied_embeddings is set; its input and output share no table");
  }
  add("input", input);
  add("positions", positions_);
  add("encoder", encoder);
  add("output1", output1);
  add("output_norm", output_norm);
  add("output2", output2);
  add("input_dropout", input_dropout_);
  add("output_dropout", output_dropout_);
}

EncoderOutput EncoderClassifier::forward(const Tensor& tokens, const Mask& mask,
                                         bool need_weights) {
  if (tokens.rank() != 2)
    lib::fail("EncoderClassifier: tokens are ", tokens.shape(), "; need (B, T)");
  const Dtype dtype = input.weight.dtype();
  const Variable symbols = tensor::one_hot(tokens, vocab_, dtype);  // (B, T, vocab)
  Variable x = input.forward(input_dropout_.forward(symbols));      // (B, T, C)
  x = positions_.forward(x);                                        // (B, T, C)
  EncoderOutput result = encoder.forward(x, mask, need_weights);    // (B, T, C)
  const Variable hidden = relu(output_norm.forward(output1.forward(result.output)));
  result.output = output2.forward(output_dropout_.forward(hidden));  // (B, T, vocab)
  return result;
}

}  // namespace qkv::nn
