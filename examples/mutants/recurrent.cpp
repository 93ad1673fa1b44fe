// Mutants of recurrent layers: gates mixed up, and paths through time cut. Each layer runs three
// steps over x (T, B, C) = (3, 2, 2) and gives all its states; one piece of the cell is mutated.
#include "examples/mutants/breeding.h"

namespace qkv::examples {
namespace {

constexpr int64_t kSteps = 3;

Variable step_of(Var x, int64_t t) { return reshape(slice(x, 0, t, t + 1), {2, 2}); }  // (B, C)

// Columns of gate i: (B, gates * C) -> (B, C)
Variable gate(Var gates, int64_t i) { return slice(gates, 1, 2 * i, 2 * i + 2); }

// ---- rnn: h_t = tanh(x_t Wᵀ + h_{t-1} Uᵀ) -------------------------------------------------------
void rnn_mutants(Mutants& all) {
  const Function cell = [](In in) { return tanh(linear(in[0], in[2]) + linear(in[1], in[3])); };
  const Layer layer = [](In in, const Function& piece) {
    Variable h = in[1];
    std::vector<Variable> states;
    for (int64_t t = 0; t < kSteps; ++t) {
      h = piece({step_of(in[0], t), h, in[2], in[3]});
      states.push_back(h);
    }
    return stack(states, 0);  // (T, B, C)
  };
  // x, h_0, W, U
  const auto row = all.of("rnn", normals({{3, 2, 2}, {2, 2}, {2, 2}, {2, 2}}), layer, cell);
  row("no gradient flows back through time", [cell](In in, Var dh, Var) -> Grads {
    const Grads right = right_gradients(cell, in, dh);
    return {right[0], right[1] * 0.0, right[2], right[3]};
  });
  row("forgets the slope of tanh in the way back", [cell](In in, Var dh, Var) -> Grads {
    const Grads right = right_gradients(cell, in, dh);
    return {right[0], matmul(dh, in[3]), right[2], right[3]};
  });
  row("the new state for the old in dU", [cell](In in, Var dh, Var h) -> Grads {
    const Grads right = right_gradients(cell, in, dh);
    return {right[0], right[1], right[2], matmul(transpose(dh - dh * h * h), h)};
  });
}

// ---- gru: h_t = (1 - z) n + z h_{t-1} -----------------------------------------------------------
//
//   z, r = sigmoid of x_t Wᵀ + h Uᵀ;  n = tanh(x_t Wᵀ + r (h Uᵀ));  W and U (3 C, C)
Variable gru(In in, const Function& mix, const Function& reset) {
  Variable h = in[1];
  std::vector<Variable> states;
  for (int64_t t = 0; t < kSteps; ++t) {
    const Variable of_x = linear(step_of(in[0], t), in[2]), of_h = linear(h, in[3]);  // (B, 3 C)
    const Variable z = sigmoid(gate(of_x, 0) + gate(of_h, 0));
    const Variable r = sigmoid(gate(of_x, 1) + gate(of_h, 1));
    const Variable n = tanh(gate(of_x, 2) + reset({r, gate(of_h, 2)}));
    h = mix({z, n, h});
    states.push_back(h);
  }
  return stack(states, 0);
}

void gru_mutants(Mutants& all) {
  const Function mix = [](In in) { return in[1] - in[0] * in[1] + in[0] * in[2]; };
  const Function reset = [](In in) { return in[0] * in[1]; };
  const auto sample = normals({{3, 2, 2}, {2, 2}, {6, 2}, {6, 2}});  // x, h_0, W, U
  const auto mixed = all.of(
      "gru", sample, [reset](In in, const Function& piece) { return gru(in, piece, reset); }, mix);
  mixed("z and 1 - z change places", [](In in, Var dh, Var) -> Grads {
    const auto &z = in[0], &n = in[1], &h = in[2];
    return {dh * (h - n), dh * z, dh - dh * z};
  });
  mixed("forgets the sign of n in dz", [](In in, Var dh, Var) -> Grads {
    const auto &z = in[0], &n = in[1], &h = in[2];
    return {dh * (h + n), dh - dh * z, dh * z};
  });
  const auto gated = all.of(
      "gru", sample, [mix](In in, const Function& piece) { return gru(in, mix, piece); }, reset);
  gated("the reset gate counts as a constant", [](In in, Var dy, Var) -> Grads {
    return {dy * 0.0, dy * in[0]};
  });
}

// ---- lstm: c_t = f c_{t-1} + i g,  h_t = o tanh(c_t) --------------------------------------------
//
//   i, f, g, o = the columns of x_t Wᵀ + h_{t-1} Uᵀ;  W and U (4 C, C)
Variable lstm(In in, const Function& carry, const Function& show, const Function& gates) {
  Variable h = in[1], c = in[2];
  std::vector<Variable> states;
  for (int64_t t = 0; t < kSteps; ++t) {
    const Variable all = gates({linear(step_of(in[0], t), in[3]) + linear(h, in[4])});  // (B, 4 C)
    const Variable i = sigmoid(gate(all, 0)), f = sigmoid(gate(all, 1));
    const Variable g = tanh(gate(all, 2)), o = sigmoid(gate(all, 3));
    c = carry({i, f, g, c});
    h = show({o, c});
    states.push_back(h);
  }
  return stack(states, 0);
}

void lstm_mutants(Mutants& all) {
  const Function carry = [](In in) { return in[1] * in[3] + in[0] * in[2]; };
  const Function show = [](In in) { return in[0] * tanh(in[1]); };
  const Function same = [](In in) { return in[0]; };
  const auto sample = normals({{3, 2, 2}, {2, 2}, {2, 2}, {8, 2}, {8, 2}});  // x, h_0, c_0, W, U

  const auto kept = all.of(
      "lstm", sample, [=](In in, const Function& piece) { return lstm(in, piece, show, same); },
      carry);
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

  const auto shown = all.of(
      "lstm", sample, [=](In in, const Function& piece) { return lstm(in, carry, piece, same); },
      show);
  shown("c for tanh(c) in the slope of tanh", [](In in, Var dh, Var) -> Grads {
    const auto &o = in[0], &c = in[1];
    return {dh * tanh(c), dh * o - dh * o * c * c};
  });

  const auto ordered = all.of(
      "lstm", sample, [=](In in, const Function& piece) { return lstm(in, carry, show, piece); },
      same);
  ordered("gradients of g and o in each other's columns", [](In, Var dy, Var) -> Grads {
    return {concat({gate(dy, 0), gate(dy, 1), gate(dy, 3), gate(dy, 2)}, 1)};
  });
}

}  // namespace

void recurrent_mutants(Mutants& all) {
  all.family = "recurrent layers";
  rnn_mutants(all);
  gru_mutants(all);
  lstm_mutants(all);
}

}  // namespace qkv::examples
