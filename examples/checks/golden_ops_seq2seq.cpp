// Sequence to sequence, and its local attention, by their golden names. The weights of a model have
// the names of our parameters: encoder.0.weight_ih, attention.v, ...
#include <map>

#include "examples/checks/golden_ops.h"
#include "lib/text.h"
#include "nn/local_attention.h"
#include "nn/seq2seq.h"

namespace qkv::examples {
namespace {

const std::map<std::string, nn::Cell> kCells = {
    {"rnn", nn::Cell::rnn}, {"gru", nn::Cell::gru}, {"lstm", nn::Cell::lstm}};
const std::map<std::string, nn::SourceAttention> kAttentions = {
    {"none", nn::SourceAttention::none},       {"additive", nn::SourceAttention::additive},
    {"dot", nn::SourceAttention::dot},         {"scaled_dot", nn::SourceAttention::scaled_dot},
    {"general", nn::SourceAttention::general}, {"concat", nn::SourceAttention::concat},
    {"local", nn::SourceAttention::local}};

template <class T>
T one_of(const std::map<std::string, T>& kinds, const char* what, const std::string& name) {
  const auto found = kinds.find(name);
  if (found == kinds.end()) lib::fail(what, " is '", name, "', which is none that we know");
  return found->second;
}

// What the attributes say, and what the weights say of sizes. The largest weights of every layer
// must fit them: then a model of these sizes has few more numbers than the file.
nn::Seq2SeqConfig config_of(GoldenCall& call) {
  const Shape from = call.matrix("source_embedding.weight").shape();
  const Shape to = call.matrix("output.weight").shape();
  const nn::Seq2SeqConfig config = {
      .source_vocab = from[0],
      .target_vocab = to[0],
      .embedding = from[1],
      .hidden = to[1],
      .layers = call.integer("layers"),
      .cell = one_of(kCells, "cell", call.text("cell")),
      .bidirectional = call.flag("bidirectional", false),
      .attention = one_of(kAttentions, "attention", call.text("attention")),
      .input_feeding = call.flag("input_feeding", false),
      .window = call.integer("window", 10)};
  const int64_t gates = config.cell == nn::Cell::rnn ? 1 : config.cell == nn::Cell::gru ? 3 : 4;
  const int64_t rows = gates * config.hidden;
  static_cast<void>(call.input("encoder.0.weight_ih", {rows, config.embedding}));
  for (int64_t layer = 0; layer < config.layers; ++layer) {
    const std::string name = lib::str("encoder.", layer, ".weight_hh");
    static_cast<void>(call.input(name, {rows, config.hidden}));
  }
  return config;
}

Outputs run_seq2seq(GoldenCall& call) {
  const nn::Seq2SeqConfig config = config_of(call);
  lib::Generator overwritten(0);
  nn::Seq2Seq model(config, overwritten);
  for (const auto& [name, parameter] : model.named_parameters()) {
    *parameter = call.input(name, parameter->shape());
  }
  const auto [logits, weights] =
      model.forward(call.tensor("source", Dtype::int64), call.integers("lengths"),
                    call.tensor("target", Dtype::int64));
  Outputs outputs = {{"logits", logits}};
  if (weights.defined()) outputs.emplace_back("weights", weights);
  return outputs;
}

Outputs run_local(GoldenCall& call) {
  const Variable w = call.matrix("w"), w_p = call.matrix("w_p");
  const Variable v_p = call.input("v_p", {w_p.shape()[0]}), keys = call.input("keys");
  if (w_p.shape()[1] != w.shape()[0]) {
    lib::fail("w is ", w.shape(), ", w_p ", w_p.shape(), "; both need the width of a query");
  }
  lib::Generator overwritten(0);
  nn::LocalAttention attention(w.shape()[0], w.shape()[1], w_p.shape()[0], call.integer("window"),
                               overwritten);
  attention.weight = w;
  attention.position_weight = w_p;
  attention.position_v = v_p;
  if (keys.rank() != 3) lib::fail("keys are ", keys.shape(), "; need (B, T, Ck)");
  const nn::Mask real = nn::Mask::padding(call.integers("lengths"), keys.shape()[1]);
  const auto [context, weights] =
      attention.forward(call.input("query"), keys, call.input("values"), real);
  return {{"context", context}, {"weights", weights}};
}

}  // namespace

void seq2seq_ops(GoldenOps& ops) {
  ops["seq2seq"] = run_seq2seq;
  ops["local_attention"] = run_local;
}

}  // namespace qkv::examples
