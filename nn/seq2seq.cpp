// The encoder, the bridge, and the decoder in its three forms:
//
//   none       s_t = cell([y_{t-1}; c], s_{t-1})                               one c for all t
//   additive   c_t = attention(s_{t-1}), s_t = cell([y_{t-1}; c_t], s_{t-1})   Bahdanau et al. 2015
//   others     s_t = cell(y_{t-1}, s_{t-1}), c_t = attention(s_t)              Luong et al. 2015
#include "nn/seq2seq.h"

#include "autograd/ops.h"
#include "lib/text.h"
#include "nn/local_attention.h"

namespace qkv::nn {
namespace {

// A product of query and key needs both as wide as each other: then the two directions are added.
//
//   additive, general, concat, local   h_j = [->h_j ; <-h_j]   2 hidden    Bahdanau, section 3.2
//   dot, scaled_dot                    h_j = ->h_j + <-h_j       hidden
bool adds_directions(const Seq2SeqConfig& config) {
  return config.bidirectional && (config.attention == SourceAttention::dot ||
                                  config.attention == SourceAttention::scaled_dot);
}

// Width of c_t.
int64_t context_width(const Seq2SeqConfig& config) {
  const bool one_vector = config.attention == SourceAttention::none;
  return config.bidirectional && !one_vector && !adds_directions(config) ? 2 * config.hidden
                                                                         : config.hidden;
}

// Does y_{t-1} meet c_t before the step? Then they also meet in h~_t.
bool reads_context(const Seq2SeqConfig& config) {
  return config.attention == SourceAttention::none || config.attention == SourceAttention::additive;
}

RecurrentConfig encoder_config(const Seq2SeqConfig& config) {
  return {.cell = config.cell,
          .in = config.embedding,
          .hidden = config.hidden,
          .layers = config.layers,
          .bidirectional = config.bidirectional,
          .dropout = config.dropout};
}

RecurrentConfig decoder_config(const Seq2SeqConfig& config) {
  RecurrentConfig layers = encoder_config(config);
  layers.bidirectional = false;
  if (reads_context(config)) layers.in += context_width(config);
  if (config.input_feeding) layers.in += config.hidden;
  return layers;
}

std::unique_ptr<Attention> make_attention(const Seq2SeqConfig& config, lib::Generator& generator) {
  const int64_t query = config.hidden, key = context_width(config), hidden = config.hidden;
  switch (config.attention) {
    case SourceAttention::none:
      return nullptr;
    case SourceAttention::additive:
      return std::make_unique<AdditiveAttention>(query, key, hidden, generator);
    case SourceAttention::dot:
      return std::make_unique<DotAttention>();
    case SourceAttention::scaled_dot:
      return std::make_unique<ScaledDotAttention>();
    case SourceAttention::general:
      return std::make_unique<GeneralAttention>(query, key, generator);
    case SourceAttention::concat:
      return std::make_unique<ConcatAttention>(query, key, hidden, generator);
    case SourceAttention::local:
      return std::make_unique<LocalAttention>(query, key, hidden, config.window, generator);
  }
  lib::fail("Seq2Seq: there is no attention number ", static_cast<int>(config.attention));
}

}  // namespace

Seq2Seq::Seq2Seq(const Seq2SeqConfig& given, lib::Generator& generator)
    : config(given),
      source_embedding(given.source_vocab, given.embedding, generator),
      target_embedding(given.target_vocab, given.embedding, generator),
      encoder(encoder_config(given), generator),
      decoder(decoder_config(given), generator),
      attention(make_attention(given, generator)),
      combine(context_width(given) + given.hidden + (reads_context(given) ? given.embedding : 0),
              given.hidden, generator),
      output(given.hidden, given.target_vocab, generator),
      dropout_(given.dropout, generator) {
  add("source_embedding", source_embedding);
  add("target_embedding", target_embedding);
  add("encoder", encoder);
  add("decoder", decoder);
  const int64_t parts = given.cell == Cell::lstm ? 2 : 1;  // h, and an LSTM's c
  for (int64_t i = 0; i < (given.bidirectional ? given.layers * parts : 0); ++i) {
    bridge.push_back(std::make_unique<Linear>(2 * given.hidden, given.hidden, generator));
    add(lib::str("bridge.", i), *bridge.back());
  }
  if (attention) add("attention", *attention);
  add("combine", combine);
  add("output", output);
  add("dropout", dropout_);
}

// ---- the encoder --------------------------------------------------------------------------------

// An encoder of one direction hands its last states on as they are (Sutskever et al. 2014). Of two
// directions, a layer has two last states, each at another end of the source, for one first state:
//
//   h = tanh(W [->h_S ; <-h_1])      Bahdanau et al. 2015, appendix A.2.2, where only <-h_1 is read
//   c = W [->c_S ; <-c_1]            an LSTM's; it is not bounded, so there is no tanh
RecurrentStates Seq2Seq::bridged(const RecurrentStates& last) const {
  if (!config.bidirectional) return last;
  RecurrentStates first;
  auto next = bridge.begin();
  for (size_t i = 0; i < last.size(); i += 2) {
    const RecurrentState &there = last[i], &back = last[i + 1];
    RecurrentState state;
    state.h = autograd::tanh((*next++)->forward(autograd::concat({there.h, back.h}, -1)));
    if (there.c.defined()) state.c = (*next++)->forward(autograd::concat({there.c, back.c}, -1));
    first.push_back(state);
  }
  return first;
}

EncodedSource Seq2Seq::encode(const Tensor& source, const std::vector<int64_t>& lengths) {
  if (source.rank() != 2) lib::fail("Seq2Seq: source is ", source.shape(), "; need (B, S)");
  const int64_t hidden = config.hidden;
  const Variable embedded =
      dropout_.forward(source_embedding.forward(source));  // (B, S, embedding)
  const auto [annotations, last] = encoder.forward(embedded, {}, lengths);
  EncodedSource encoded = {.states = bridged(last), .context = {}, .memory = {}};
  if (!attention) {
    encoded.context = encoded.states.back().h;
    return encoded;
  }
  Variable keys = annotations;  // (B, S, 2 hidden)
  if (adds_directions(config)) {
    keys = slice(keys, 2, 0, hidden) + slice(keys, 2, hidden, 2 * hidden);  // (B, S, hidden)
  }
  const Mask real = lengths.empty() ? Mask() : Mask::padding(lengths, source.shape()[1]);
  encoded.memory = attention->remember(keys, keys, real);
  return encoded;
}

// ---- the decoder --------------------------------------------------------------------------------

DecoderState Seq2Seq::first_state(const EncodedSource& source) const {
  DecoderState state = {source.states, {}};
  if (config.input_feeding) {
    const Variable& h = source.states.back().h;
    state.fed = tensor::zeros(h.shape(), h.dtype());
  }
  return state;
}

Variable Seq2Seq::embed_target(const Tensor& symbols) {
  return dropout_.forward(target_embedding.forward(symbols));
}

//   h~_t = tanh(W_c [c_t; s_t])             Luong et al. 2015, equation 5
//   h~_t = tanh(W_c [c_t; s_t; y_{t-1}])    Bahdanau et al. 2015, equation 4, and Cho et al. 2014:
//                                           their g has all three, and maxout (the larger of each
//                                           two numbers) where we have tanh
Variable Seq2Seq::attentional(const Variable& context, const Variable& state,
                              const Variable& embedded) const {
  const Variable parts = reads_context(config) ? autograd::concat({context, state, embedded}, -1)
                                               : autograd::concat({context, state}, -1);
  return autograd::tanh(combine.forward(parts));  // (..., hidden)
}

Variable Seq2Seq::logits(const Variable& attentional) {
  return output.forward(dropout_.forward(attentional));
}

// The state after one step; what it saw is returned as {c_t, weights}.
AttentionOutput Seq2Seq::advance(const Variable& embedded, const EncodedSource& source,
                                 DecoderState& state) {
  AttentionOutput seen = {source.context, {}};
  if (attends_before()) seen = attention->attend(state.states.back().h, source.memory);
  Variable input = embedded;
  if (reads_context(config)) input = autograd::concat({input, seen.output}, -1);
  if (config.input_feeding) input = autograd::concat({input, state.fed}, -1);
  state.states = decoder.step(input, std::move(state.states));
  const Variable& h = state.states.back().h;  // (B, hidden)
  if (attention && !attends_before()) seen = attention->attend(h, source.memory);
  if (config.input_feeding) state.fed = attentional(seen.output, h, embedded);
  return seen;
}

AttentionOutput Seq2Seq::step(const Variable& embedded, const EncodedSource& source,
                              DecoderState& state) {
  const auto [context, weights] = advance(embedded, source, state);
  if (config.input_feeding) return {state.fed, weights};
  return {attentional(context, state.states.back().h, embedded), weights};
}

// One step after the other; what no later step waits for is left for the end, and done at once.
AttentionOutput Seq2Seq::steps_in_turn(const Variable& embedded, const EncodedSource& source) {
  DecoderState state = first_state(source);
  std::vector<Variable> contexts, states, fed, weights;
  for (const Variable& read : unbind(embedded, 1)) {  // (B, embedding)
    const auto [context, looked] = advance(read, source, state);
    contexts.push_back(context);
    states.push_back(state.states.back().h);
    fed.push_back(state.fed);
    weights.push_back(looked);
  }
  const Variable shown = config.input_feeding
                             ? stack(fed, 1)
                             : attentional(stack(contexts, 1), stack(states, 1), embedded);
  return {shown, attention ? stack(weights, 1) : Variable()};  // (B, T, hidden), (B, T, S)
}

// All steps of the forms whose cell does not wait for an attention: the states first, then all
// queries at once. The bits are those of step after step.
AttentionOutput Seq2Seq::steps_at_once(const Variable& embedded, const EncodedSource& source) {
  const int64_t B = embedded.shape()[0], T = embedded.shape()[1];
  if (attention) {
    const Variable states = decoder.forward(embedded, source.states).output;   // (B, T, hidden)
    const auto [context, weights] = attention->attend(states, source.memory);  // (B, T, S)
    return {attentional(context, states, embedded), weights};
  }
  const Variable context =
      expand(reshape(source.context, {B, 1, config.hidden}), {B, T, config.hidden});
  const Variable states = decoder.forward(autograd::concat({embedded, context}, -1), source.states)
                              .output;  // (B, T, hidden)
  return {attentional(context, states, embedded), {}};
}

Seq2SeqOutput Seq2Seq::forward(const Tensor& source, const std::vector<int64_t>& source_lengths,
                               const Tensor& target_input) {
  if (target_input.rank() != 2 || source.rank() != 2 ||
      target_input.shape()[0] != source.shape()[0] || target_input.shape()[1] < 1) {
    lib::fail("Seq2Seq: source is ", source.shape(), ", target ", target_input.shape(),
              "; need (B, S) and (B, T), with at least one position");
  }
  const EncodedSource encoded = encode(source, source_lengths);
  const Variable embedded = embed_target(target_input);  // (B, T, embedding)
  const bool each_waits = attends_before() || config.input_feeding;
  const auto [shown, weights] =
      each_waits ? steps_in_turn(embedded, encoded) : steps_at_once(embedded, encoded);
  return {logits(shown), weights};
}

}  // namespace qkv::nn
