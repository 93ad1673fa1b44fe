// The encoder's forward pass. Shapes: B batch, T sequence, C width, H heads.
#include "nn/transformer.h"

#include "autograd/ops.h"
#include "lib/text.h"
#include "tensor/index.h"
#include "tensor/views.h"

namespace qkv::nn {

EncoderLayer::EncoderLayer(const TransformerConfig& config, lib::Generator& generator)
    : attention(config.width, config.heads, generator),
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

AttentionOutput EncoderLayer::forward(const Variable& x, const Mask& mask, bool need_weights) {
  if (norm_ == Norm::post) {
    const auto [attended, weights] = attention.forward(x, x, x, mask, need_weights);  // (B, T, C)
    const Variable middle = norm1.forward(x + dropout_.forward(attended));            // (B, T, C)
    const Variable thought = dropout_.forward(feed_forward.forward(middle));          // (B, T, C)
    return {norm2.forward(middle + thought), weights};
  }
  const Variable before = norm1.forward(x);  // (B, T, C)
  const auto [attended, weights] = attention.forward(before, before, before, mask, need_weights);
  const Variable middle = x + dropout_.forward(attended);                // (B, T, C)
  const Variable thought = feed_forward.forward(norm2.forward(middle));  // (B, T, C)
  return {middle + dropout_.forward(thought), weights};
}

TransformerEncoder::TransformerEncoder(const TransformerConfig& config, lib::Generator& generator) {
  if (config.layers < 1)
    lib::fail("TransformerEncoder: layers is ", config.layers, "; need at least 1");
  for (int64_t i = 0; i < config.layers; ++i) {
    layers.push_back(std::make_unique<EncoderLayer>(config, generator));
    add(lib::str(i), *layers.back());
  }
}

EncoderOutput TransformerEncoder::forward(const Variable& x, const Mask& mask, bool need_weights) {
  EncoderOutput result{x, {}};
  for (const auto& layer : layers) {
    const AttentionOutput step = layer->forward(result.output, mask, need_weights);
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
      config_(config),
      input_dropout_(config.dropout, generator),
      output_dropout_(config.dropout, generator) {
  if (config.max_length < 1) {
    lib::fail("EncoderClassifier: max_length is ", config.max_length, "; need at least 1");
  }
  add("input", input);
  if (config.positions == Positions::learned) {
    learned_positions =
        std::make_unique<LearnedPositions>(config.max_length, config.width, generator);
    add("positions", *learned_positions);
  }
  add("encoder", encoder);
  add("output1", output1);
  add("output_norm", output_norm);
  add("output2", output2);
  add("input_dropout", input_dropout_);
  add("output_dropout", output_dropout_);
}

Variable EncoderClassifier::add_positions(const Variable& x) {
  if (learned_positions) return learned_positions->forward(x);
  if (!sinusoids_.defined() || sinusoids_.dtype() != x.dtype()) {
    sinusoids_ = sinusoidal_positions(config_.max_length, config_.width, x.dtype());
  }
  return x + Variable(tensor::slice(sinusoids_, 0, 0, x.shape()[1]));  // (B, T, C) + (T, C)
}

EncoderOutput EncoderClassifier::forward(const Tensor& tokens, const Mask& mask,
                                         bool need_weights) {
  if (tokens.rank() != 2)
    lib::fail("EncoderClassifier: tokens are ", tokens.shape(), "; need (B, T)");
  const int64_t T = tokens.shape()[1];
  if (T > config_.max_length) {
    lib::fail("EncoderClassifier: sequence length ", T, " exceeds max_length ", config_.max_length);
  }
  const Dtype dtype = input.weight.dtype();
  const Variable symbols = tensor::one_hot(tokens, config_.vocab, dtype);  // (B, T, vocab)
  Variable x = input.forward(input_dropout_.forward(symbols));             // (B, T, C)
  x = add_positions(x);                                                    // (B, T, C)
  EncoderOutput result = encoder.forward(x, mask, need_weights);           // (B, T, C)
  const Variable hidden = relu(output_norm.forward(output1.forward(result.output)));
  result.output = output2.forward(output_dropout_.forward(hidden));  // (B, T, vocab)
  return result;
}

}  // namespace qkv::nn
