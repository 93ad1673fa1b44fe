// One step of a recurrent layer, fused: the definitions beneath are the text, the kernels of
// lib/recurrent_cells.h compute the same in one pass over memory each way. What comes in are the
// products of a step, so that all gates of a cell are one product:
//
//   from_x = W_ih x + b_ih,  from_h = W_hh h + b_hh       (B, gates · hidden)
//   σ(x) = 1 / (1 + exp(-x))       the sigmoid: between 0 and 1, as a gate has to be
#include "lib/recurrent_cells.h"

#include "autograd/node.h"
#include "autograd/ops.h"

namespace qkv::autograd {
namespace {

using lib::Cell;

// The rows of a weight are its gates one after the other, so are the columns of what it gives:
//
//   hidden = 2, an LSTM:   i i | f f | g g | o o       gate(x, 1, 2) is f
Variable gate(const Variable& x, int64_t number, int64_t hidden) {
  return slice(x, -1, number * hidden, (number + 1) * hidden);  // (B, hidden)
}

// ---- the definitions, by simple operations ------------------------------------------------------

Variable rnn_definition(const std::vector<Variable>& in) { return tanh(in[0] + in[1]); }

Variable gru_definition(const std::vector<Variable>& in) {
  const Variable &from_x = in[0], &from_h = in[1], &h = in[2];
  const int64_t hidden = h.shape()[1];
  const Variable r = sigmoid(gate(from_x, 0, hidden) + gate(from_h, 0, hidden));
  const Variable z = sigmoid(gate(from_x, 1, hidden) + gate(from_h, 1, hidden));
  const Variable n = tanh(gate(from_x, 2, hidden) + r * gate(from_h, 2, hidden));
  return n + z * (h - n);
}

Variable lstm_definition(const std::vector<Variable>& in) {
  const Variable &from_x = in[0], &from_h = in[1], &c = in[2];
  const int64_t hidden = c.shape()[1];
  const Variable gates = from_x + from_h;  // (B, 4 hidden)
  const Variable i = sigmoid(gate(gates, 0, hidden)), f = sigmoid(gate(gates, 1, hidden));
  const Variable g = tanh(gate(gates, 2, hidden)), o = sigmoid(gate(gates, 3, hidden));
  const Variable next = f * c + i * g;
  return stack({o * tanh(next), next}, 0);  // (2, B, hidden)
}

// ---- one step of any cell, on tensors -----------------------------------------------------------

void check_operands(const char* op, Cell cell, const Variable& from_x, const Variable& from_h,
                    const Variable& state) {
  const int64_t gates = lib::gates_of(cell);
  if (state.rank() != 2 || from_h.shape() != from_x.shape() ||
      from_x.shape() != Shape{state.shape()[0], gates * state.shape()[1]}) {
    lib::fail(op, ": from_x is ", from_x.shape(), ", from_h ", from_h.shape(), ", the state ",
              state.shape(), "; need (B, ", gates, " hidden) twice and (B, hidden)");
  }
  if (from_x.dtype() != state.dtype() || from_h.dtype() != state.dtype()) {
    lib::fail(op, ": dtypes differ: from_x is ", from_x.dtype(), ", from_h ", from_h.dtype(),
              ", the state ", state.dtype());
  }
}

// The tensor itself if its rows have no gaps, as positions of a sequence have none.
Tensor with_dense_rows(const Tensor& x) { return x.strides()[1] == 1 ? x : x.contiguous(); }

template <class T>
lib::Rows<const T> rows_of(const Tensor& x) {
  return {x.data<T>(), x.strides()[0]};
}
template <class T>
lib::Rows<T> new_rows(Tensor& x) {
  return {x.mutable_data<T>(), x.shape().from_end(1)};
}

// The state after the step is shape `after`; `state` is the part of the one before that the cell
// reads beside from_h: h for the GRU, c for the LSTM.
Variable fused_cell(const char* op, Cell cell, Operands inputs, const Variable& state,
                    const Shape& after, Variable (*definition)(const std::vector<Variable>&)) {
  const Tensor x = with_dense_rows(inputs[0].get().value());
  const Tensor from_h = with_dense_rows(inputs[1].get().value());
  const Tensor before = with_dense_rows(state.value());
  const int64_t B = before.shape()[0], hidden = before.shape()[1];
  Tensor y = Tensor::empty(after, x.dtype());
  Tensor kept = Tensor::empty({B, lib::kept_of(cell) * hidden}, x.dtype());
  tensor::dispatch_floating(op, x.dtype(), [&]<class T>(T) {
    const lib::Rows<T> h_next = new_rows<T>(y), c_next = {h_next.data + B * hidden, hidden};
    lib::cell_step<T>(cell, B, hidden,
                      {rows_of<T>(x), rows_of<T>(from_h), rows_of<T>(before), rows_of<T>(before),
                       h_next, c_next, new_rows<T>(kept)});
  });
  const auto backward = [=, before = Saved(before), kept = Saved(kept)](const Tensor& dy) {
    const Tensor d_after = dy.contiguous();
    Tensor d_from_x = Tensor::empty({B, lib::gates_of(cell) * hidden}, dy.dtype());
    Tensor d_from_h = cell == Cell::gru ? d_from_x.clone() : d_from_x;
    Tensor d_before = Tensor::empty({B, hidden}, dy.dtype());
    tensor::dispatch_floating(op, dy.dtype(), [&]<class T>(T) {
      const lib::Rows<const T> dh_next = {d_after.data<T>(), hidden};
      const lib::Rows<const T> dc_next = {dh_next.data + B * hidden, hidden};
      const lib::Rows<const T> saved = rows_of<T>(before.value());
      lib::cell_step_backward<T>(
          cell, B, hidden,
          {rows_of<T>(kept.value()), saved, saved, dh_next, dc_next, new_rows<T>(d_from_x),
           new_rows<T>(d_from_h), new_rows<T>(d_before), new_rows<T>(d_before)});
    });
    if (cell == Cell::rnn) return std::vector<Tensor>{d_from_x, d_from_h};
    return std::vector<Tensor>{d_from_x, d_from_h, d_before};
  };
  return record_fused(op, inputs, std::move(y), backward, definition);
}

}  // namespace

// ---- rnn_cell (fused) ---------------------------------------------------------------------------
//
//   forward    h' = tanh(from_x + from_h)                         (B, hidden)
//   backward   dfrom_x = dfrom_h = dh' (1 - h'²)                  (B, hidden)
//
// Saved: h'.
Variable rnn_cell(const Variable& from_x, const Variable& from_h) {
  check_operands("rnn_cell", Cell::rnn, from_x, from_h, from_h);
  if (using_definitions()) return rnn_definition({from_x, from_h});
  const Operand inputs[] = {from_x, from_h};
  return fused_cell("rnn_cell", Cell::rnn, inputs, from_h, from_h.shape(), rnn_definition);
}

// ---- gru_cell (fused) ---------------------------------------------------------------------------
//
//   r = σ(x_r + h_r)            reset: how much of the past n hears
//   z = σ(x_z + h_z)            update: how much of the past stays
//   n = tanh(x_n + r h_n)       the candidate; x_r, h_r ... are the gates of from_x, from_h
//
//   forward    h' = (1 - z) n + z h = n + z (h - n)               (B, hidden)
//   backward   dn = dh' (1 - z), dz = dh' (h - n), dh = dh' z     (B, hidden)
//              dx_n = dn (1 - n²), dr = dx_n h_n, dh_n = dx_n r
//              dx_r = dh_r = dr r (1 - r), dx_z = dh_z = dz z (1 - z)
//
// r weighs the product with h, not h itself as in the paper: so all products of a step are one.
// With z = 1 the state passes unchanged, and so does its gradient: that is how it remembers.
// Saved: h, r, z, n and h_n.
Variable gru_cell(const Variable& from_x, const Variable& from_h, const Variable& h) {
  check_operands("gru_cell", Cell::gru, from_x, from_h, h);
  if (using_definitions()) return gru_definition({from_x, from_h, h});
  const Operand inputs[] = {from_x, from_h, h};
  return fused_cell("gru_cell", Cell::gru, inputs, h, h.shape(), gru_definition);
}

// ---- lstm_cell (fused) --------------------------------------------------------------------------
//
//   i = σ(x_i + h_i)            input gate: what is let in
//   f = σ(x_f + h_f)            forget gate: what is kept
//   g = tanh(x_g + h_g)         the candidate
//   o = σ(x_o + h_o)            output gate: what is shown
//
//   forward    c' = f c + i g, h' = o tanh(c')                    (2, B, hidden): h', then c'
//   backward   do = dh' tanh(c'), dc' += dh' o (1 - tanh²(c'))    (B, hidden)
//              df = dc' c, di = dc' g, dg = dc' i, dc = dc' f
//              dx_i = dh_i = di i (1 - i), likewise f and o; dx_g = dh_g = dg (1 - g²)
//
// c is only ever multiplied by f and added to. Its gradient from step to step is f, with no matrix
// and no tanh in between: with f near 1 it neither vanishes nor explodes.
// Saved: c, the gates and tanh(c').
Variable lstm_cell(const Variable& from_x, const Variable& from_h, const Variable& c) {
  check_operands("lstm_cell", Cell::lstm, from_x, from_h, c);
  if (using_definitions()) return lstm_definition({from_x, from_h, c});
  const Operand inputs[] = {from_x, from_h, c};
  const Shape after = {2, c.shape()[0], c.shape()[1]};
  return fused_cell("lstm_cell", Cell::lstm, inputs, c, after, lstm_definition);
}

}  // namespace qkv::autograd
