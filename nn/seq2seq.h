// Sequence to sequence with recurrent networks: an encoder reads the source, a decoder writes the
// target. Between them there is one vector, or, with attention, every state of the encoder.
//
//   source -> [encoder] -> h_1 ... h_S --(attention)--> c_t     c_t: what step t sees of the source
//                             |                           |
//        BOS y_0 y_1 ... -> [decoder] -> s_1 ... s_T -> [c_t; s_t] -> h~_t -> scores of y_t
#pragma once

#include "nn/decoding.h"
#include "nn/recurrent_layers.h"
#include "nn/score_attention.h"

namespace qkv::nn {

// How the decoder looks at the source. seq2seq.cpp has the three forms of a step.
enum class SourceAttention {
  none,      // one vector: where the encoder ends, the decoder begins (Sutskever et al. 2014), and
             // it is given the vector again at every step (Cho et al. 2014)
  additive,  // before the step, asked for by s_{t-1}. Bahdanau, Cho, Bengio 2015
  dot,       // after the step, asked for by s_t, here and below. Luong, Pham, Manning 2015
  scaled_dot,
  general,
  concat,
  local,
};

struct Seq2SeqConfig {
  int64_t source_vocab = 1, target_vocab = 1;  // target_vocab counts BOS and EOS too
  // Width of an embedding: the numbers, learned, that stand for a symbol.
  int64_t embedding = 16;
  int64_t hidden = 64;  // of every state, in the encoder for each direction
  int64_t layers = 1;   // of the encoder and of the decoder
  Cell cell = Cell::gru;
  bool bidirectional = true;  // the encoder; keys are both directions side by side, or, for dot and
                              // scaled_dot, which need the decoder's width, their sum
  SourceAttention attention = SourceAttention::additive;
  // Dropout is the share of numbers that training replaces by 0, drawn anew at every step.
  bool input_feeding = false;  // h~_{t-1} is read at step t. Luong et al. 2015, section 3.3
  double dropout = 0;          // of embeddings, of h~ before the scores, and between layers
  int64_t window = 10;         // D of local attention, as in the paper
};

// Logits are scores before their softmax.
struct Seq2SeqOutput {
  Variable logits;   // (B, T, target_vocab)
  Variable weights;  // (B, T, S): row t is where step t looked; undefined without attention
};

// What the decoder is given of the source.
struct EncodedSource {
  RecurrentStates states;  // the decoder's first ones, a (B, hidden) for each layer
  Variable context;        // (B, hidden): the one vector; undefined with attention
  AttentionMemory memory;  // keys and values (B, S, width); undefined without attention
};

// What the decoder hands on from step to step.
struct DecoderState {
  RecurrentStates states;
  Variable fed;  // h~ of the step before (B, hidden), at first zeros; undefined without feeding
};

class Seq2Seq : public Module {
 public:
  // Throws std::invalid_argument unless every size is at least 1 and dropout is in [0, 1).
  Seq2Seq(const Seq2SeqConfig& config, lib::Generator& generator);

  // source (B, S), the first source_lengths[b] symbols of row b real (all, if left out);
  // target_input (B, T): BOS y_0 y_1 ..., as teacher_forcing() makes it. Padding of the source has
  // weight 0 and no gradient. Throws std::invalid_argument if shapes or lengths do not fit, or for
  // a symbol outside its vocabulary.
  [[nodiscard]] Seq2SeqOutput forward(const Tensor& source,
                                      const std::vector<int64_t>& source_lengths,
                                      const Tensor& target_input);

  // The same one symbol at a time, for greedy(), sample() and beam_search() (decoding.h); the model
  // must outlive what is returned. Logits are those of forward, to the bit. Throws
  // std::invalid_argument while dropout is on: call eval() first.
  [[nodiscard]] std::unique_ptr<NextSymbol> begin(const Tensor& source,
                                                  const std::vector<int64_t>& source_lengths);

  // ---- the pieces of both ----
  [[nodiscard]] EncodedSource encode(const Tensor& source,
                                     const std::vector<int64_t>& source_lengths);
  [[nodiscard]] DecoderState first_state(const EncodedSource& source) const;
  [[nodiscard]] Variable embed_target(const Tensor& symbols);  // (...) -> (..., embedding)
  // One step: embedded (B, embedding) -> output h~ (B, hidden), weights (B, S); `state` moves on.
  [[nodiscard]] AttentionOutput step(const Variable& embedded, const EncodedSource& source,
                                     DecoderState& state);
  [[nodiscard]] Variable logits(const Variable& attentional);  // h~ -> (..., target_vocab)

  const Seq2SeqConfig config;
  Embedding source_embedding, target_embedding;
  RecurrentLayers encoder, decoder;
  std::vector<std::unique_ptr<Linear>> bridge;  // from the encoder's last states to the first ones
  std::unique_ptr<Attention> attention;
  Linear combine;  // W_c
  Linear output;   // W_s

 private:
  [[nodiscard]] bool attends_before() const {
    return config.attention == SourceAttention::additive;
  }
  [[nodiscard]] RecurrentStates bridged(const RecurrentStates& last) const;
  [[nodiscard]] Variable attentional(const Variable& context, const Variable& state,
                                     const Variable& embedded) const;
  [[nodiscard]] AttentionOutput advance(const Variable& embedded, const EncodedSource& source,
                                        DecoderState& state);
  [[nodiscard]] AttentionOutput steps_in_turn(const Variable& embedded,
                                              const EncodedSource& source);
  [[nodiscard]] AttentionOutput steps_at_once(const Variable& embedded,
                                              const EncodedSource& source);

  Dropout dropout_;
};

}  // namespace qkv::nn
