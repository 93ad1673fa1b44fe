// The three cells, and the walk along a sequence that they share.
#include "nn/recurrent.h"

#include <cmath>

#include "autograd/ops.h"
#include "lib/text.h"

namespace qkv::nn {
namespace {

// The rows of a weight are its gates one after the other, so are the columns of what it gives:
//
//   hidden = 2, an LSTM:   i i | f f | g g | o o       gate(x, 1, 2) is f
Variable gate(const Variable& x, int64_t number, int64_t hidden) {
  return slice(x, -1, number * hidden, (number + 1) * hidden);  // (B, hidden)
}

void check_cell(const char* name, int64_t gates, const Variable& from_x, const Variable& from_h,
                const Variable& state) {
  if (state.rank() == 2 && from_x.shape() == Shape{state.shape()[0], gates * state.shape()[1]} &&
      from_h.shape() == from_x.shape()) {
    return;
  }
  lib::fail(name, ": from_x is ", from_x.shape(), ", from_h ", from_h.shape(), ", the state ",
            state.shape(), "; need (B, ", gates, " hidden) twice and (B, hidden)");
}

void check_lengths(const char* name, const std::vector<int64_t>& lengths, int64_t B, int64_t T) {
  if (static_cast<int64_t>(lengths.size()) != B) {
    lib::fail(name, ": there are ", lengths.size(), " lengths for ", B,
              " sequences; need one for each");
  }
  for (const int64_t length : lengths) {
    if (length < 0 || length > T) lib::fail(name, ": length ", length, " is outside [0, ", T, "]");
  }
}

// `after` where the sequence has a position t, `before` where it has ended.
Variable unless_ended(const Variable& after, const Variable& before, int64_t t,
                      const std::vector<int64_t>& lengths) {
  std::vector<bool> goes_on;
  for (const int64_t length : lengths) goes_on.push_back(t < length);
  const Tensor condition = Tensor::of(goes_on, {after.shape()[0], 1});
  return where(condition, after, before);
}

}  // namespace

// ---- the cells ----------------------------------------------------------------------------------
//
//   RNN     h' = tanh(W_ih x + b_ih + W_hh h + b_hh)
Variable rnn_cell(const Variable& from_x, const Variable& from_h) {
  check_cell("rnn_cell", 1, from_x, from_h, from_h);
  return tanh(from_x + from_h);
}

//   GRU     r = σ(W_ir x + b_ir + W_hr h + b_hr)           reset: how much of the past n hears
//           z = σ(W_iz x + b_iz + W_hz h + b_hz)           update: how much of the past stays
//           n = tanh(W_in x + b_in + r (W_hn h + b_hn))    the candidate
//           h' = (1 - z) n + z h = n + z (h - n)
//
// r weighs the product with h, not h itself as in the paper: so all products of a step are one.
// With z = 1 the state passes unchanged, and so does its gradient: that is how it remembers.
Variable gru_cell(const Variable& from_x, const Variable& from_h, const Variable& h) {
  check_cell("gru_cell", 3, from_x, from_h, h);
  const int64_t hidden = h.shape()[1];
  const Variable r = sigmoid(gate(from_x, 0, hidden) + gate(from_h, 0, hidden));
  const Variable z = sigmoid(gate(from_x, 1, hidden) + gate(from_h, 1, hidden));
  const Variable n = tanh(gate(from_x, 2, hidden) + r * gate(from_h, 2, hidden));
  return n + z * (h - n);
}

//   LSTM    i = σ(W_ii x + b_ii + W_hi h + b_hi)           input gate: what is let in
//           f = σ(W_if x + b_if + W_hf h + b_hf)           forget gate: what is kept
//           g = tanh(W_ig x + b_ig + W_hg h + b_hg)        the candidate
//           o = σ(W_io x + b_io + W_ho h + b_ho)           output gate: what is shown
//           c' = f c + i g
//           h' = o tanh(c')
//
// c is only ever multiplied by f and added to. Its gradient from step to step is f, with no matrix
// and no tanh in between: with f near 1 it neither vanishes nor explodes.
RecurrentState lstm_cell(const Variable& from_x, const Variable& from_h, const Variable& c) {
  check_cell("lstm_cell", 4, from_x, from_h, c);
  const int64_t hidden = c.shape()[1];
  const Variable gates = from_x + from_h;  // (B, 4 hidden)
  const Variable i = sigmoid(gate(gates, 0, hidden)), f = sigmoid(gate(gates, 1, hidden));
  const Variable g = tanh(gate(gates, 2, hidden)), o = sigmoid(gate(gates, 3, hidden));
  const Variable next = f * c + i * g;
  return {o * tanh(next), next};
}

RecurrentState RNN::cell(const Variable& from_x, const Variable& from_h,
                         const RecurrentState&) const {
  return {rnn_cell(from_x, from_h)};
}
RecurrentState GRU::cell(const Variable& from_x, const Variable& from_h,
                         const RecurrentState& before) const {
  return {gru_cell(from_x, from_h, before.h)};
}
RecurrentState LSTM::cell(const Variable& from_x, const Variable& from_h,
                          const RecurrentState& before) const {
  return lstm_cell(from_x, from_h, before.c);
}

// ---- the layers ---------------------------------------------------------------------------------

Recurrent::Recurrent(const char* name, int64_t gates, Memory memory, int64_t in, int64_t hidden,
                     lib::Generator& generator)
    : name_(name), memory_(memory) {
  require_size(name, "in", in);
  require_size(name, "hidden", hidden);
  const double bound = 1 / std::sqrt(static_cast<double>(hidden));
  weight_ih = uniform_parameter({gates * hidden, in}, bound, generator);
  weight_hh = uniform_parameter({gates * hidden, hidden}, bound, generator);
  bias_ih = uniform_parameter({gates * hidden}, bound, generator);
  bias_hh = uniform_parameter({gates * hidden}, bound, generator);
  add("weight_ih", weight_ih);
  add("weight_hh", weight_hh);
  add("bias_ih", bias_ih);
  add("bias_hh", bias_hh);
}

RNN::RNN(int64_t in, int64_t hidden, lib::Generator& generator)
    : Recurrent("RNN", 1, Memory::h, in, hidden, generator) {}
GRU::GRU(int64_t in, int64_t hidden, lib::Generator& generator)
    : Recurrent("GRU", 3, Memory::h, in, hidden, generator) {}
LSTM::LSTM(int64_t in, int64_t hidden, lib::Generator& generator)
    : Recurrent("LSTM", 4, Memory::h_and_c, in, hidden, generator) {}

// The state with zeros for what was left out.
RecurrentState Recurrent::checked(const Variable& x, const RecurrentState& state) const {
  const int64_t in = weight_ih.shape()[1];
  if (x.shape().from_end(1) != in) {
    lib::fail(name_, ": x is ", x.shape(), "; need width ", in, " (last axis)");
  }
  if (memory_ == Memory::h && state.c.defined()) {
    lib::fail(name_, ": the state has a c; only an LSTM keeps one");
  }
  const Shape shape = {x.shape()[0], weight_hh.shape()[1]};
  const auto part = [&](const char* name, const Variable& given) -> Variable {
    if (!given.defined()) return tensor::zeros(shape, x.dtype());
    if (given.shape() != shape) {
      lib::fail(name_, ": ", name, " is ", given.shape(), "; need (B, hidden) = ", shape);
    }
    return given;
  };
  if (memory_ == Memory::h) return {part("h", state.h)};
  return {part("h", state.h), part("c", state.c)};
}

RecurrentState Recurrent::after(const Variable& from_x, const RecurrentState& before) const {
  return cell(from_x, linear(before.h, weight_hh, bias_hh), before);
}

RecurrentState Recurrent::step(const Variable& x, const RecurrentState& before) const {
  if (x.rank() != 2) lib::fail(name_, ": x is ", x.shape(), "; a step needs (B, in)");
  const RecurrentState state = checked(x, before);
  return after(linear(x, weight_ih, bias_ih), state);
}

// The products with x need no state: they are worked out for the whole sequence at once.
RecurrentOutput Recurrent::forward(const Variable& x, const RecurrentState& initial,
                                   const std::vector<int64_t>& lengths, Direction direction) const {
  if (x.rank() != 3 || x.shape()[1] < 1) {
    lib::fail(name_, ": x is ", x.shape(), "; need (B, T, in) with at least one position");
  }
  const int64_t B = x.shape()[0], T = x.shape()[1];
  if (!lengths.empty()) check_lengths(name_, lengths, B, T);
  RecurrentState state = checked(x, initial);
  const Variable from_x = linear(x, weight_ih, bias_ih);  // (B, T, gates · hidden)
  std::vector<Variable> shown(static_cast<size_t>(T));
  for (int64_t step = 0; step < T; ++step) {
    const int64_t t = direction == Direction::forward ? step : T - 1 - step;
    const Variable now =
        reshape(slice(from_x, 1, t, t + 1), {B, from_x.shape()[2]});  // (B, gates · hidden)
    RecurrentState next = after(now, state);
    if (!lengths.empty()) {
      next.h = unless_ended(next.h, state.h, t, lengths);
      if (next.c.defined()) next.c = unless_ended(next.c, state.c, t, lengths);
    }
    state = next;
    shown[static_cast<size_t>(t)] = state.h;
  }
  return {stack(shown, 1), state};  // (B, T, hidden)
}

}  // namespace qkv::nn
