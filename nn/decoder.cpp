// The decoder's forward pass. Shapes: B batch, T sequence, Tm memory (what the encoder has made of
// the sequence that was read), C width, H heads.
#include "nn/decoder.h"

#include "autograd/ops.h"
#include "lib/text.h"

namespace qkv::nn {
namespace {

void add_layer(const DecoderLayerOutput& step, DecoderOutput* result) {
  result->output = step.output;
  if (!step.self_weights.defined()) return;
  result->self_weights.push_back(step.self_weights);
  result->cross_weights.push_back(step.cross_weights);
}

}  // namespace

DecoderLayer::DecoderLayer(const TransformerConfig& config, lib::Generator& generator)
    : self_attention(config.width, config.heads, generator, self_attention_options(config)),
      cross_attention(config.width, config.heads, generator,
                      {.kv_heads = config.kv_heads, .variation = config.variation}),
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
DecoderLayerOutput DecoderLayer::forward(const Variable& x, const Attend& attend_to_self,
                                         const Attend& attend_to_memory) {
  if (norm_ == Norm::post) {
    const auto [attended, self_weights] = attend_to_self(x);
    const Variable first = norm1.forward(x + dropout_.forward(attended));  // (B, T, C)
    const auto [read, cross_weights] = attend_to_memory(first);
    const Variable second = norm2.forward(first + dropout_.forward(read));    // (B, T, C)
    const Variable thought = dropout_.forward(feed_forward.forward(second));  // (B, T, C)
    return {norm3.forward(second + thought), self_weights, cross_weights};
  }
  const auto [attended, self_weights] = attend_to_self(norm1.forward(x));
  const Variable first = x + dropout_.forward(attended);  // (B, T, C)
  const auto [read, cross_weights] = attend_to_memory(norm2.forward(first));
  const Variable second = first + dropout_.forward(read);                // (B, T, C)
  const Variable thought = feed_forward.forward(norm3.forward(second));  // (B, T, C)
  return {second + dropout_.forward(thought), self_weights, cross_weights};
}

DecoderLayerOutput DecoderLayer::forward(const Variable& x, const Variable& memory,
                                         const Mask& self_mask, const Mask& memory_mask,
                                         bool need_weights) {
  return forward(
      x,
      [&](const Variable& q) { return self_attention.forward(q, q, q, self_mask, need_weights); },
      [&](const Variable& q) {
        return cross_attention.forward(q, memory, memory, memory_mask, need_weights);
      });
}

DecoderLayerOutput DecoderLayer::forward(const Variable& x, DecoderCache& cache,
                                         const Mask& self_mask, const Mask& memory_mask,
                                         bool need_weights) {
  return forward(
      x,
      [&](const Variable& q) {
        return self_attention.forward(q, cache.self, self_mask, need_weights);
      },
      [&](const Variable& q) {
        return cross_attention.attend(cross_attention.queries(q), cache.memory, memory_mask,
                                      need_weights);
      });
}

TransformerDecoder::TransformerDecoder(const TransformerConfig& config, lib::Generator& generator)
    : window_(config.window), sinks_(config.sinks) {
  if (config.layers < 1)
    lib::fail("TransformerDecoder: layers is ", config.layers, "; need at least 1");
  if (window_ < 0) lib::fail("TransformerDecoder: window is ", window_, "; need at least 0");
  if (sinks_ < 0 || (sinks_ > 0 && window_ == 0)) {
    lib::fail("TransformerDecoder: sinks are ", sinks_, ", window is ", window_,
              "; sinks need a window, beside which they stay in sight");
  }
  for (int64_t i = 0; i < config.layers; ++i) {
    layers.push_back(std::make_unique<DecoderLayer>(config, generator));
    add(lib::str(i), *layers.back());
  }
}

Mask TransformerDecoder::past(int64_t queries, int64_t keys) const {
  return window_ > 0 ? Mask::window(queries, keys, window_, sinks_) : Mask::causal(queries, keys);
}

DecoderOutput TransformerDecoder::forward(const Variable& x, const Variable& memory,
                                          const Mask& mask, const Mask& memory_mask,
                                          bool need_weights) {
  if (x.rank() != 3) lib::fail("TransformerDecoder: x is ", x.shape(), "; need (B, T, C)");
  const Mask seen = past(x.shape()[1], x.shape()[1]) & mask;
  DecoderOutput result{x, {}, {}};
  for (const auto& layer : layers) {
    add_layer(layer->forward(result.output, memory, seen, memory_mask, need_weights), &result);
  }
  return result;
}

std::vector<DecoderCache> TransformerDecoder::make_caches(const Variable& memory,
                                                          int64_t capacity) const {
  std::vector<DecoderCache> caches;
  for (const auto& layer : layers) {
    const MultiHeadAttention& self = layer->self_attention;
    const int64_t R = memory.shape()[0], D = memory.shape()[2] / self.heads;
    caches.push_back({KeyValueCache(R, self.kv_heads, capacity, D, memory.dtype()),
                      layer->cross_attention.keys_and_values(memory, memory)});
  }
  return caches;
}

DecoderOutput TransformerDecoder::forward(const Variable& x, std::vector<DecoderCache>& caches,
                                          const Mask& memory_mask, bool need_weights) {
  if (x.rank() != 3) lib::fail("TransformerDecoder: x is ", x.shape(), "; need (B, T, C)");
  if (caches.size() != layers.size()) {
    lib::fail("TransformerDecoder: there are ", caches.size(), " caches for ", layers.size(),
              " layers; need one for each");
  }
  const int64_t T = x.shape()[1], before = caches.front().self.length();
  const Mask seen = past(T, before + T);
  DecoderOutput result{x, {}, {}};
  for (size_t i = 0; i < layers.size(); ++i) {
    add_layer(layers[i]->forward(result.output, caches[i], seen, memory_mask, need_weights),
              &result);
  }
  return result;
}

}  // namespace qkv::nn
