// Recurrent layers, by their golden names.
#include "autograd/ops.h"
#include "examples/checks/golden_ops.h"
#include "lib/text.h"
#include "nn/recurrent_layers.h"

namespace qkv::examples {
namespace {

// A whole sequence from a given state, with weights of `gates` blocks of rows.
template <class Layer>
Outputs run_layer(GoldenCall& call, int64_t gates) {
  lib::Generator overwritten(0);
  const int64_t in = call.matrix("w_ih").shape()[1], hidden = call.matrix("w_hh").shape()[1];
  const int64_t rows = gates * hidden;
  const Variable w_ih = call.input("w_ih", {rows, in}), w_hh = call.input("w_hh", {rows, hidden}),
                 b_ih = call.input("b_ih", {rows}), b_hh = call.input("b_hh", {rows});
  Layer layer(in, hidden, overwritten);  // as large as the weights it is given
  layer.weight_ih = w_ih;
  layer.weight_hh = w_hh;
  layer.bias_ih = b_ih;
  layer.bias_hh = b_hh;
  nn::RecurrentState initial = {call.input("h0")};
  if (gates == 4) initial.c = call.input("c0");
  const auto [output, state] = layer.forward(call.input("input"), initial);
  Outputs outputs = {{"output", output}, {"h", state.h}};
  if (gates == 4) outputs.emplace_back("c", state.c);
  return outputs;
}

nn::RecurrentConfig config_of(GoldenCall& call) {
  const std::string cell = call.text("cell");
  if (cell != "rnn" && cell != "gru" && cell != "lstm") {
    lib::fail("cell is '", cell, "'; need rnn, gru or lstm");
  }
  const Shape first = call.matrix("weight_ih_l0").shape();
  return {.cell = cell == "rnn"   ? nn::Cell::rnn
                  : cell == "gru" ? nn::Cell::gru
                                  : nn::Cell::lstm,
          .in = first[1],
          .hidden = call.matrix("weight_hh_l0").shape()[1],
          .layers = call.integer("layers"),
          .bidirectional = call.flag("bidirectional", false)};
}

// The weights of layer and direction i, named as PyTorch names them; they must fit before a module
// of their size is made.
std::vector<Variable> weights_of(GoldenCall& call, const nn::RecurrentConfig& config, int64_t i) {
  const int64_t layer = i / config.directions();
  const std::string end = lib::str("_l", layer, i % config.directions() == 0 ? "" : "_reverse");
  const int64_t gates = config.cell == nn::Cell::rnn ? 1 : config.cell == nn::Cell::gru ? 3 : 4;
  const int64_t rows = gates * config.hidden;
  const int64_t in = layer == 0 ? config.in : config.directions() * config.hidden;
  return {call.input("weight_ih" + end, {rows, in}),
          call.input("weight_hh" + end, {rows, config.hidden}), call.input("bias_ih" + end, {rows}),
          call.input("bias_hh" + end, {rows})};
}

// Layers one on top of the other: h0 and c0 are (layers · directions, B, hidden). Behind the end of
// a sequence the output counts as 0.
Outputs run_layers(GoldenCall& call) {
  const nn::RecurrentConfig config = config_of(call);
  const bool lstm = config.cell == nn::Cell::lstm;
  std::vector<Variable> weights;
  for (int64_t i = 0; i < config.layers * config.directions(); ++i) {
    for (const Variable& weight : weights_of(call, config, i)) weights.push_back(weight);
  }
  lib::Generator overwritten(0);
  nn::RecurrentLayers net(config, overwritten);
  const auto named = net.named_parameters();
  for (size_t i = 0; i < named.size(); ++i) *named[i].parameter = weights[i];

  const Variable x = call.input("input");
  const int64_t B = x.shape()[0], T = x.shape()[1];
  const auto part = [&](const std::string& name, int64_t i) {
    const Variable all = call.input(name);
    return reshape(slice(all, 0, i, i + 1), {all.shape()[1], all.shape()[2]});  // (B, hidden)
  };
  nn::RecurrentStates initial;
  for (int64_t i = 0; i < config.layers * config.directions(); ++i) {
    initial.push_back({part("h0", i), lstm ? part("c0", i) : Variable()});
  }
  const std::vector<int64_t> lengths = call.integers("lengths");
  const auto [output, states] = net.forward(x, initial, lengths);
  std::vector<bool> real;
  for (const int64_t length : lengths) {
    for (int64_t t = 0; t < T; ++t) real.push_back(t < length);
  }
  std::vector<Variable> h, c;
  for (const nn::RecurrentState& state : states) {
    h.push_back(state.h);
    c.push_back(state.c);
  }
  const Variable shown = where(Tensor::of(real, {B, T, 1}), output, output * 0.0);
  Outputs outputs = {{"output", shown}, {"h", stack(h, 0)}};
  if (lstm) outputs.emplace_back("c", stack(c, 0));
  return outputs;
}

}  // namespace

void recurrent_ops(GoldenOps& ops) {
  ops["rnn"] = [](GoldenCall& call) { return run_layer<nn::RNN>(call, 1); };
  ops["gru"] = [](GoldenCall& call) { return run_layer<nn::GRU>(call, 3); };
  ops["lstm"] = [](GoldenCall& call) { return run_layer<nn::LSTM>(call, 4); };
  ops["recurrent_layers"] = run_layers;
}

}  // namespace qkv::examples
