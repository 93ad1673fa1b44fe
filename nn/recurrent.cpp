// What the three cells share: their parameters, and the walk along a sequence.
#include "nn/recurrent.h"

#include <cmath>

#include "autograd/ops.h"
#include "lib/text.h"
#include "tensor/index.h"

namespace qkv::nn {

Recurrent::Recurrent(const char* name, Cell cell, int64_t in, int64_t hidden,
                     lib::Generator& generator)
    : name_(name), cell_(cell) {
  require_size(name, "in", in);
  require_size(name, "hidden", hidden);
  const double bound = 1 / std::sqrt(static_cast<double>(hidden));
  const int64_t rows = lib::gates_of(cell) * hidden;
  weight_ih = uniform_parameter({rows, in}, bound, generator);
  weight_hh = uniform_parameter({rows, hidden}, bound, generator);
  bias_ih = uniform_parameter({rows}, bound, generator);
  bias_hh = uniform_parameter({rows}, bound, generator);
  add("weight_ih", weight_ih);
  add("weight_hh", weight_hh);
  add("bias_ih", bias_ih);
  add("bias_hh", bias_hh);
}

RNN::RNN(int64_t in, int64_t hidden, lib::Generator& generator)
    : Recurrent("RNN", Cell::rnn, in, hidden, generator) {}
GRU::GRU(int64_t in, int64_t hidden, lib::Generator& generator)
    : Recurrent("GRU", Cell::gru, in, hidden, generator) {}
LSTM::LSTM(int64_t in, int64_t hidden, lib::Generator& generator)
    : Recurrent("LSTM", Cell::lstm, in, hidden, generator) {}

// The state with zeros for what was left out.
RecurrentState Recurrent::checked(const Variable& x, const RecurrentState& state) const {
  const int64_t in = weight_ih.shape()[1];
  if (x.shape().from_end(1) != in) {
    lib::fail(name_, ": x is ", x.shape(), "; need width ", in, " (last axis)");
  }
  if (cell_ != Cell::lstm && state.c.defined()) {
    lib::fail(name_, ": the state has a c; only an LSTM keeps one");
  }
  const Shape shape = {x.shape()[0], weight_hh.shape()[1]};
  const auto or_zeros = [&](const char* name, const Variable& given) -> Variable {
    if (!given.defined()) return tensor::zeros(shape, x.dtype());
    if (given.shape() != shape) {
      lib::fail(name_, ": ", name, " is ", given.shape(), "; need (B, hidden) = ", shape);
    }
    return given;
  };
  if (cell_ != Cell::lstm) return {or_zeros("h", state.h)};
  return {or_zeros("h", state.h), or_zeros("c", state.c)};
}

RecurrentState Recurrent::step(const Variable& x, const RecurrentState& before) const {
  if (x.rank() != 2) lib::fail(name_, ": x is ", x.shape(), "; a step needs (B, in)");
  const auto [h, c] = checked(x, before);
  const Variable from_x = linear(x, weight_ih, bias_ih);  // (B, gates · hidden)
  const Variable from_h = linear(h, weight_hh, bias_hh);  // (B, gates · hidden)
  if (cell_ == Cell::rnn) return {rnn_cell(from_x, from_h)};
  if (cell_ == Cell::gru) return {gru_cell(from_x, from_h, h)};
  const Variable after = lstm_cell(from_x, from_h, c);  // (2, B, hidden)
  return {select(after, 0, 0), select(after, 0, 1)};
}

// The products with x need no state: they are worked out for the whole sequence at once.
RecurrentOutput Recurrent::forward(const Variable& x, const RecurrentState& initial,
                                   const std::vector<int64_t>& lengths, Direction direction) const {
  if (x.rank() != 3 || x.shape()[1] < 1) {
    lib::fail(name_, ": x is ", x.shape(), "; need (B, T, in) with at least one position");
  }
  const int64_t B = x.shape()[0], T = x.shape()[1];
  if (!lengths.empty()) tensor::check_lengths(name_, lengths, B, T);
  const auto [h0, c0] = checked(x, initial);
  const bool reversed = direction == Direction::backward;
  const Variable from_x = linear(x, weight_ih, bias_ih);  // (B, T, gates · hidden)
  const Variable states =
      recurrence(cell_, from_x, weight_hh, bias_hh, h0, c0, {lengths, reversed});
  const int64_t last = reversed ? 0 : T - 1;
  const auto final_state = [&](const Variable& after) {  // (B, T, hidden)
    return select(after, 1, last);                       // (B, hidden)
  };
  const Variable h = select(states, 0, 0);  // (B, T, hidden)
  if (cell_ != Cell::lstm) return {h, {final_state(h)}};
  return {h, {final_state(h), final_state(select(states, 0, 1))}};
}

}  // namespace qkv::nn
