// A decoder layer in pieces, for the mutants of the layer and of the decoder.
#pragma once

#include "examples/mutants/breeding.h"
#include "nn/decoder.h"

namespace qkv::examples {

inline Variable unchanged(In in) { return in[0]; }
inline Variable plus(In in) { return in[0] + in[1]; }

// What goes through `memory` is what came from the encoder, before it becomes keys and values.
struct DecoderPieces {
  Function memory = unchanged, queries = unchanged, keys = unchanged, values = unchanged;
  Function add = plus;  // x and the result of a sublayer
};

// A post-norm layer with causal self-attention:  x (B, T, C), memory (B, Tm, C) -> (B, T, C)
inline Variable decoder_layer(nn::DecoderLayer& layer, Var x, Var memory,
                              const DecoderPieces& pieces) {
  const nn::Mask past = nn::Mask::causal(x.shape()[1]);
  const Variable attended = layer.self_attention.forward(x, x, x, past, false).output;
  const Variable first = layer.norm1.forward(pieces.add({x, attended}));  // (B, T, C)
  const Variable seen = pieces.memory({memory});                          // (B, Tm, C)
  const Variable read =
      layer.cross_attention
          .forward(pieces.queries({first}), pieces.keys({seen}), pieces.values({seen}), {}, false)
          .output;                                                         // (B, T, C)
  const Variable second = layer.norm2.forward(pieces.add({first, read}));  // (B, T, C)
  return layer.norm3.forward(pieces.add({second, layer.feed_forward.forward(second)}));
}

[[nodiscard]] inline nn::TransformerConfig tiny_config(int64_t layers = 1,
                                                       nn::Norm norm = nn::Norm::post) {
  return {.vocab = 3,
          .width = 4,
          .heads = 2,
          .layers = layers,
          .feed_forward = 3,
          .max_length = 2,
          .norm = norm,
          .activation = nn::Activation::gelu};
}

}  // namespace qkv::examples
