// The decoder's forward pass. Shapes: B batch, T sequence, Tm memory, C width, H heads.
#include "nn/decoder.h"

#include "autograd/ops.h"
#include "lib/text.h"

namespace qkv::nn {

DecoderLayer::DecoderLayer(const TransformerConfig& config, lib::Generator& generator)
    : self_attention(config.width, config.heads, generator),
      cross_attention(config.width, config.heads, generator),
      feed_forward(config.width, config.feed_forward, config.activation, config.dropout, generator),
      norm1(config.width),
      norm2(config.width),
      norm3(config.width),
      norm_(config.norm),
      dropout_(config.dropout, generator) {
  add("self_attention", self_attention);
  add("cross_attention", cross_attention);
  add("feed_forward", feed_forward);
  add("norm1", norm1);
  add("norm2", norm2);
  add("norm3", norm3);
  add("dropout", dropout_);
}

// Queries come from the sequence that is written, keys and values of cross-attention from the one
// that was read.
DecoderLayerOutput DecoderLayer::forward(const Variable& x, const Variable& memory,
                                         const Mask& self_mask, const Mask& memory_mask,
                                         bool need_weights) {
  const auto look_at_self = [&](const Variable& q) {
    return self_attention.forward(q, q, q, self_mask, need_weights);  // (B, T, C)
  };
  const auto look_at_memory = [&](const Variable& q) {
    return cross_attention.forward(q, memory, memory, memory_mask, need_weights);  // (B, T, C)
  };
  if (norm_ == Norm::post) {
    const auto [attended, self_weights] = look_at_self(x);
    const Variable first = norm1.forward(x + dropout_.forward(attended));  // (B, T, C)
    const auto [read, cross_weights] = look_at_memory(first);
    const Variable second = norm2.forward(first + dropout_.forward(read));    // (B, T, C)
    const Variable thought = dropout_.forward(feed_forward.forward(second));  // (B, T, C)
    return {norm3.forward(second + thought), self_weights, cross_weights};
  }
  const auto [attended, self_weights] = look_at_self(norm1.forward(x));
  const Variable first = x + dropout_.forward(attended);  // (B, T, C)
  const auto [read, cross_weights] = look_at_memory(norm2.forward(first));
  const Variable second = first + dropout_.forward(read);                // (B, T, C)
  const Variable thought = feed_forward.forward(norm3.forward(second));  // (B, T, C)
  return {second + dropout_.forward(thought), self_weights, cross_weights};
}

TransformerDecoder::TransformerDecoder(const TransformerConfig& config, lib::Generator& generator) {
  if (config.layers < 1)
    lib::fail("TransformerDecoder: layers is ", config.layers, "; need at least 1");
  for (int64_t i = 0; i < config.layers; ++i) {
    layers.push_back(std::make_unique<DecoderLayer>(config, generator));
    add(lib::str(i), *layers.back());
  }
}

DecoderOutput TransformerDecoder::forward(const Variable& x, const Variable& memory,
                                          const Mask& mask, const Mask& memory_mask,
                                          bool need_weights) {
  if (x.rank() != 3) lib::fail("TransformerDecoder: x is ", x.shape(), "; need (B, T, C)");
  const Mask past = Mask::causal(x.shape()[1]) & mask;
  DecoderOutput result{x, {}, {}};
  for (const auto& layer : layers) {
    const DecoderLayerOutput step =
        layer->forward(result.output, memory, past, memory_mask, need_weights);
    result.output = step.output;
    if (!need_weights) continue;
    result.self_weights.push_back(step.self_weights);
    result.cross_weights.push_back(step.cross_weights);
  }
  return result;
}

}  // namespace qkv::nn
