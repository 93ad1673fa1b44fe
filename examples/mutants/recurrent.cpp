// Mutants of recurrent layers: gates mixed up, and paths through time cut. Each layer runs three
// steps over x (B, T, C) = (2, 3, 2) from a state given, hidden = 2, and shows its states; one
// piece of the cell is spoilt.
#include <utility>
#include "nn/recurrent_layers.h"

#include "examples/mutants/modules.h"

namespace qkv::examples {
namespace {

constexpr int64_t kSteps = 3;

// x and the state: h, and c for an LSTM.
nn::RecurrentState initial(In in) { return {in[1], in.size() > 2 ? in[2] : Variable()}; }

Variable run(const nn::Recurrent& layer, In in) { return layer.forward(in[0], initial(in)).output; }

// The layer with its cell left open: from W_ih x + b_ih (B, gates · hidden) and the state before.
template <class Cell>
Variable walk(const nn::Recurrent& layer, In in, const Cell& cell) {
  const Variable from_x = linear(in[0], layer.weight_ih, layer.bias_ih);  // (B, T, gates · hidden)
  nn::RecurrentState state = initial(in);
  std::vector<Variable> shown;
  for (int64_t t = 0; t < kSteps; ++t) {
    state = cell(reshape(slice(from_x, 1, t, t + 1), {2, -1}), state);
    shown.push_back(state.h);
  }
  return stack(shown, 1);  // (B, T, hidden)
}

Variable from_h(const nn::Recurrent& layer, Var h) {
  return linear(h, layer.weight_hh, layer.bias_hh);  // (B, gates · hidden)
}

// Columns of gate i: (B, gates · hidden) -> (B, hidden)
Variable gate(Var gates, int64_t i) { return slice(gates, 1, 2 * i, 2 * i + 2); }

// ---- rnn: h' = tanh(from_x + W_hh h + b_hh) -----------------------------------------------------
void rnn_mutants(Mutants& all) {
  const auto make = maker<nn::RNN>(2, 2);
  const Data data = data_of({{2, 3, 2}, {2, 2}});
  const Function step = [](In in) { return rnn_cell(in[0], linear(in[1], in[2], in[3])); };
  const auto row = of_module(
      all, "rnn", data, make, run,
      [](const nn::RNN& layer, In in, const Function& piece) {
        return walk(layer, in, [&](Var from_x, const nn::RecurrentState& before) {
          return nn::RecurrentState{piece({from_x, before.h, layer.weight_hh, layer.bias_hh})};
        });
      },
      step);
  row("no gradient flows back through time", [step](In in, Var dh, Var) -> Grads {
    const Grads right = right_gradients(step, in, dh);
    return {right[0], right[1] * 0.0, right[2], right[3]};
  });
  row("forgets the slope of tanh in the way back", [step](In in, Var dh, Var) -> Grads {
    const Grads right = right_gradients(step, in, dh);
    return {right[0], matmul(dh, in[2]), right[2], right[3]};
  });
  row("the new state for the old in dW_hh", [step](In in, Var dh, Var h) -> Grads {
    const Grads right = right_gradients(step, in, dh);
    return {right[0], right[1], matmul(transpose(dh - dh * h * h), h), right[3]};
  });

  // The second sequence has one position: from then on its state stands still.
  const Tensor goes_on = flags({true, false}, {2, 1});
  const auto padded = of_module(
      all, "rnn", data, make,
      [](const nn::RNN& layer, In in) {
        return layer.forward(in[0], initial(in), {3, 1}).output;
      },
      [](const nn::RNN& layer, In in, const Function& hold) {
        bool started = false;
        return walk(layer, in, [&](Var from_x, const nn::RecurrentState& before) {
          const Variable h = rnn_cell(from_x, from_h(layer, before.h));
          return nn::RecurrentState{std::exchange(started, true) ? hold({h, before.h}) : h};
        });
      },
      [goes_on](In in) { return where(goes_on, in[0], in[1]); });
  padded("positions behind the end get a gradient, too", [goes_on](In, Var dh, Var) -> Grads {
    return {dh, where(goes_on, dh * 0.0, dh)};
  });
}

// ---- gru: h' = n + z (h - n) --------------------------------------------------------------------
//
//   gates r, z, n;  mix({z, n, h}) is h',  reset({r, W_hn h + b_hn}) goes into n
Variable gru(const nn::GRU& layer, In in, const Function& mix, const Function& reset) {
  return walk(layer, in, [&](Var from_x, const nn::RecurrentState& before) {
    const Variable of_h = from_h(layer, before.h);
    const Variable r = sigmoid(gate(from_x, 0) + gate(of_h, 0));
    const Variable z = sigmoid(gate(from_x, 1) + gate(of_h, 1));
    const Variable n = tanh(gate(from_x, 2) + reset({r, gate(of_h, 2)}));
    return nn::RecurrentState{mix({z, n, before.h})};
  });
}

void gru_mutants(Mutants& all) {
  const Function mix = [](In in) { return in[1] + in[0] * (in[2] - in[1]); };
  const Function reset = [](In in) { return in[0] * in[1]; };
  const auto make = maker<nn::GRU>(2, 2);
  const Data data = data_of({{2, 3, 2}, {2, 2}});
  const auto mixed = of_module(
      all, "gru", data, make, run,
      [reset](const nn::GRU& layer, In in, const Function& piece) {
        return gru(layer, in, piece, reset);
      },
      mix);
  mixed("z and 1 - z change places", [](In in, Var dh, Var) -> Grads {
    const auto &z = in[0], &n = in[1], &h = in[2];
    return {dh * (h - n), dh * z, dh - dh * z};
  });
  mixed("forgets the sign of n in dz", [](In in, Var dh, Var) -> Grads {
    const auto &z = in[0], &n = in[1], &h = in[2];
    return {dh * (h + n), dh - dh * z, dh * z};
  });
  const auto gated = of_module(
      all, "gru", data, make, run,
      [mix](const nn::GRU& layer, In in, const Function& piece) {
        return gru(layer, in, mix, piece);
      },
      reset);
  gated("the reset gate counts as a constant", [](In in, Var dy, Var) -> Grads {
    return {dy * 0.0, dy * in[0]};
  });
}

// ---- lstm: c' = f c + i g,  h' = o tanh(c') -----------------------------------------------------
//
//   gates i, f, g, o;  carry({i, f, g, c}) is c', show({o, c'}) is h', open({gates}) the gates
struct LstmPieces {
  Function carry = [](In in) { return in[1] * in[3] + in[0] * in[2]; };
  Function show = [](In in) { return in[0] * tanh(in[1]); };
  Function open = [](In in) { return in[0]; };
};

Variable lstm(const nn::LSTM& layer, In in, const LstmPieces& pieces) {
  return walk(layer, in, [&](Var from_x, const nn::RecurrentState& before) {
    const Variable gates = pieces.open({from_x + from_h(layer, before.h)});  // (B, 4 hidden)
    const Variable i = sigmoid(gate(gates, 0)), f = sigmoid(gate(gates, 1));
    const Variable g = tanh(gate(gates, 2)), o = sigmoid(gate(gates, 3));
    const Variable c = pieces.carry({i, f, g, before.c});
    return nn::RecurrentState{pieces.show({o, c}), c};
  });
}

void lstm_mutants(Mutants& all) {
  const auto with = [&all](Function LstmPieces::*place) {
    return of_module(
        all, "lstm", data_of({{2, 3, 2}, {2, 2}, {2, 2}}), maker<nn::LSTM>(2, 2), run,
        [place](const nn::LSTM& layer, In in, const Function& piece) {
          LstmPieces pieces;
          pieces.*place = piece;
          return lstm(layer, in, pieces);
        },
        LstmPieces().*place);
  };

  const auto kept = with(&LstmPieces::carry);
  kept("input and forget gate change places", [](In in, Var dc, Var) -> Grads {
    const auto &i = in[0], &f = in[1], &g = in[2], &c = in[3];
    return {dc * c, dc * g, dc * i, dc * f};
  });
  kept("the input gate for the forget gate on the way back", [](In in, Var dc, Var) -> Grads {
    const auto &i = in[0], &g = in[2], &c = in[3];
    return {dc * g, dc * c, dc * i, dc * i};
  });
  kept("the cell's path through time is cut", [](In in, Var dc, Var) -> Grads {
    const auto &i = in[0], &g = in[2], &c = in[3];
    return {dc * g, dc * c, dc * i, dc * 0.0};
  });

  const auto shown = with(&LstmPieces::show);
  shown("c for tanh(c) in the slope of tanh", [](In in, Var dh, Var) -> Grads {
    const auto &o = in[0], &c = in[1];
    return {dh * tanh(c), dh * o - dh * o * c * c};
  });

  const auto ordered = with(&LstmPieces::open);
  ordered("gradients of g and o in each other's columns", [](In, Var dy, Var) -> Grads {
    return {concat({gate(dy, 0), gate(dy, 1), gate(dy, 3), gate(dy, 2)}, 1)};
  });
}

// ---- layers, in two directions ------------------------------------------------------------------
//
//   x ─┬─ 0 ─────────┐                 join({there, back}) puts them side by side,
//      └─ 0_reverse ─┴─ join ─ 1 ...   rise({shown}) is what goes from layer 0 to layer 1
void layers_mutants(Mutants& all) {
  const nn::RecurrentConfig config = {
      .cell = nn::Cell::rnn, .in = 2, .hidden = 2, .layers = 2, .bidirectional = true};
  const Function join = [](In in) { return concat({in[0], in[1]}, -1); };
  const Function rise = [](In in) { return in[0]; };
  const auto run_layers = [](const nn::RecurrentLayers& net, Var x, const Function& joined,
                             const Function& risen) {
    Variable shown = x;
    for (size_t i = 0; i < 4; i += 2) {
      const Variable read = i == 0 ? shown : risen({shown});
      shown = joined({net.layers[i]->forward(read).output,
                      net.layers[i + 1]->forward(read, {}, {}, nn::Direction::backward).output});
    }
    return shown;  // (B, T, 2 hidden)
  };
  const auto whole = [](nn::RecurrentLayers& net, In in) { return net.forward(in[0]).output; };
  const auto make = maker<nn::RecurrentLayers>(config);
  const Data data = data_of({{2, 3, 2}});

  const auto joined = of_module(
      all, "recurrent_layers", data, make, whole,
      [=](nn::RecurrentLayers& net, In in, const Function& piece) {
        return run_layers(net, in[0], piece, rise);
      },
      join);
  joined("the directions change places", [](In, Var dy, Var) -> Grads {
    return {slice(dy, -1, 2, 4), slice(dy, -1, 0, 2)};
  });
  joined("dy reaches the second direction reversed", [](In, Var dy, Var) -> Grads {
    const Tensor order = Tensor::of<int64_t>({2, 1, 0}, {3});
    return {slice(dy, -1, 0, 2), index_select(slice(dy, -1, 2, 4), 1, order)};
  });
  const auto risen = of_module(
      all, "recurrent_layers", data, make, whole,
      [=](nn::RecurrentLayers& net, In in, const Function& piece) {
        return run_layers(net, in[0], join, piece);
      },
      rise);
  risen("no gradient gets to the layer below", [](In, Var dy, Var) -> Grads { return {dy * 0.0}; });
}

}  // namespace

void recurrent_mutants(Mutants& all) {
  all.family = "recurrent layers";
  rnn_mutants(all);
  gru_mutants(all);
  lstm_mutants(all);
  layers_mutants(all);
}

}  // namespace qkv::examples
