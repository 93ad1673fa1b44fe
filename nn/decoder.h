// The Transformer decoder: like the encoder, and between its two sublayers a third, in which every
// position looks at what the encoder has made of the other sequence (the memory).
// Source: Vaswani et al. 2017, section 3.1; pre-norm: Xiong et al. 2020.
// Next: encoder_decoder.h.
#pragma once

#include <functional>

#include "nn/transformer.h"

namespace qkv::nn {

//   one layer    first  = norm1(x + self_attention(x))                       norm = post
//                second = norm2(first + cross_attention(first, memory))
//                output = norm3(second + feed_forward(second))
//
//   norm = pre   first  = x + self_attention(norm1(x))     and so on: the sum is never normalised

struct DecoderLayerOutput {
  Variable output;         // (B, T, C)
  Variable self_weights;   // (B, H, T, T): which positions each position looked at
  Variable cross_weights;  // (B, H, T, Tm): which positions of the memory
};                         // weights are undefined without need_weights

// What one layer remembers while a sequence is written symbol by symbol: its own keys and values so
// far, and those of the memory, worked out once.
struct DecoderCache {
  KeyValueCache self;
  KeysAndValues memory;
};

class DecoderLayer : public Module {
 public:
  DecoderLayer(const TransformerConfig& config, lib::Generator& generator);

  // x (B, T, C), memory (B, Tm, C). The self mask broadcasts to (B, H, T, T), the memory mask to
  // (B, H, T, Tm). Without Mask::causal(T) in the self mask a position sees those behind it: in
  // training, the very tokens that it is to predict.
  [[nodiscard]] DecoderLayerOutput forward(const Variable& x, const Variable& memory,
                                           const Mask& self_mask, const Mask& memory_mask = {},
                                           bool need_weights = true);

  // The same where x goes on after the positions in the cache; inside NoGrad only, as
  // MultiHeadAttention.
  [[nodiscard]] DecoderLayerOutput forward(const Variable& x, DecoderCache& cache,
                                           const Mask& self_mask, const Mask& memory_mask = {},
                                           bool need_weights = true);

  MultiHeadAttention self_attention, cross_attention;
  FeedForward feed_forward;
  LayerNorm norm1, norm2, norm3;

 private:
  // What a sublayer of attention makes of its queries (B, T, C).
  using Attend = std::function<AttentionOutput(const Variable& queries)>;
  [[nodiscard]] DecoderLayerOutput forward(const Variable& x, const Attend& attend_to_self,
                                           const Attend& attend_to_memory);

  Norm norm_;
  Dropout dropout_;
};

struct DecoderOutput {
  Variable output;                                    // (B, T, C)
  std::vector<Variable> self_weights, cross_weights;  // of each layer; none without need_weights
};

// Layers one on top of the other, all with the same memory. Self-attention is causal, always: what
// comes out at position t depends on positions 0 .. t and on the memory; with a window, on its last
// positions only.
class TransformerDecoder : public Module {
 public:
  // Throws std::invalid_argument if the configuration has no layers.
  TransformerDecoder(const TransformerConfig& config, lib::Generator& generator);

  // `mask` says what else to leave out of self-attention: Mask::padding of the sequence itself.
  [[nodiscard]] DecoderOutput forward(const Variable& x, const Variable& memory,
                                      const Mask& mask = {}, const Mask& memory_mask = {},
                                      bool need_weights = true);

  // Empty caches for R = memory.shape[0] sequences of up to `capacity` positions, one for each
  // layer; and the forward pass of positions that go on after those in the caches, inside NoGrad.
  [[nodiscard]] std::vector<DecoderCache> make_caches(const Variable& memory,
                                                      int64_t capacity) const;
  [[nodiscard]] DecoderOutput forward(const Variable& x, std::vector<DecoderCache>& caches,
                                      const Mask& memory_mask = {}, bool need_weights = true);

  std::vector<std::unique_ptr<DecoderLayer>> layers;

 private:
  [[nodiscard]] Mask past(int64_t queries, int64_t keys) const;

  int64_t window_, sinks_;
};

}  // namespace qkv::nn
