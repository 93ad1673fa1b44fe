// Recurrent layers, by their golden names.
#include "examples/checks/golden_ops.h"
#include "nn/recurrent.h"

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

}  // namespace

void recurrent_ops(GoldenOps& ops) {
  ops["rnn"] = [](GoldenCall& call) { return run_layer<nn::RNN>(call, 1); };
  ops["gru"] = [](GoldenCall& call) { return run_layer<nn::GRU>(call, 3); };
  ops["lstm"] = [](GoldenCall& call) { return run_layer<nn::LSTM>(call, 4); };
}

}  // namespace qkv::examples
