// A recurrent layer along a whole sequence, fused: the definition beneath is the text. Position by
// position its graph would have a node for every product and every cell, and each would add a
// gradient as large as W to the one before; here the way back through time is one loop, and dW one
// product for all positions together.
#include "lib/recurrence.h"

#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/index.h"
#include "tensor/linear.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"
#include "tensor/views.h"

namespace qkv::autograd {
namespace {

using lib::Cell;

// ---- the definition: cells one after the other --------------------------------------------------

// state (states, B, hidden): h, and c for an LSTM.
Variable step(Cell cell, const Variable& from_x, const Variable& state, const Variable& W,
              const Variable& b) {
  const Variable h = select(state, 0, 0);   // (B, hidden)
  const Variable from_h = linear(h, W, b);  // (B, gates · hidden)
  if (cell == Cell::lstm) return lstm_cell(from_x, from_h, select(state, 0, 1));
  const Variable next = cell == Cell::gru ? gru_cell(from_x, from_h, h) : rnn_cell(from_x, from_h);
  return reshape(next, state.shape());
}

Variable recurrence_definition(Cell cell, const std::vector<Variable>& in,
                               const RecurrenceOptions& options) {
  const Variable &from_x = in[0], &W = in[1], &b = in[2];
  const int64_t B = from_x.shape()[0], T = from_x.shape()[1];
  Variable state = stack({in.begin() + 3, in.end()}, 0);  // (states, B, hidden)
  std::vector<Variable> states(static_cast<size_t>(T));
  for (int64_t i = 0; i < T; ++i) {
    const int64_t t = options.reversed ? T - 1 - i : i;
    const Variable next = step(cell, select(from_x, 1, t), state, W, b);
    std::vector<bool> goes_on;
    for (const int64_t length : options.lengths) goes_on.push_back(t < length);
    state = goes_on.empty() ? next : where(Tensor::of(goes_on, {B, 1}), next, state);
    states[static_cast<size_t>(t)] = state;
  }
  return stack(states, 2);  // (states, B, T, hidden)
}

// ---- operands -----------------------------------------------------------------------------------

void check_operands(Cell cell, const std::vector<Variable>& in, const RecurrenceOptions& options) {
  const int64_t gates = lib::gates_of(cell);
  const Shape &x = in[0].shape(), &W = in[1].shape(), &h = in[3].shape();
  const bool fits = in[0].rank() == 3 && in[3].rank() == 2 && x[1] >= 1 &&
                    x == Shape{h[0], x[1], gates * h[1]} && W == Shape{gates * h[1], h[1]} &&
                    in[2].shape() == Shape{gates * h[1]} && in.back().shape() == h;
  if (!fits) {
    lib::fail("recurrence: from_x is ", x, ", W ", W, ", b ", in[2].shape(), ", states ", h, " ",
              in.back().shape(), "; need (B, T, ", gates, " hidden) with T >= 1, (", gates,
              " hidden, hidden), (", gates, " hidden,) and (B, hidden)");
  }
  if ((cell == Cell::lstm) != (in.size() == 5)) {
    lib::fail("recurrence: an LSTM has a c0, and no other cell has one");
  }
  for (const Variable& operand : in) {
    if (operand.dtype() != in[0].dtype()) {
      lib::fail("recurrence: dtypes differ: from_x is ", in[0].dtype(), ", another operand ",
                operand.dtype());
    }
  }
  if (!options.lengths.empty()) tensor::check_lengths("recurrence", options.lengths, x[0], x[1]);
}

// The state before each position (B, T, hidden), from h (1, B, T, hidden) after each.
Tensor states_before(const Tensor& h0, const Tensor& h, bool reversed) {
  const int64_t T = h.shape()[2];
  const Tensor states = tensor::select(h, 0, 0), initial = tensor::unsqueeze(h0, 1);
  if (reversed) return tensor::concat({tensor::slice(states, 1, 1, T), initial}, 1);
  return tensor::concat({initial, tensor::slice(states, 1, 0, T - 1)}, 1);
}

lib::RecurrenceShape shape_of(Cell cell, const Shape& x, const RecurrenceOptions& options) {
  return {cell,
          x[0],
          x[1],
          x[2] / lib::gates_of(cell),
          options.lengths.empty() ? nullptr : options.lengths.data(),
          options.reversed};
}

template <class T>
lib::Matrix<const T> matrix(const Tensor& W) {
  return {W.data<T>(), W.strides()[0], W.strides()[1]};
}

}  // namespace

// ---- recurrence (fused) -------------------------------------------------------------------------
//
//   forward    state_t = cell(from_x_t, W h_{t-1} + b, state_{t-1})         from state_{-1} on
//   backward   dfrom_x_t, dfrom_h_t, dstate_{t-1} = those of the cell at dstate_t, t = T-1 ... 0
//              dh_{t-1} += dfrom_h_t W                   (B, hidden)
//              dW = Σ_t dfrom_h_tᵀ h_{t-1}               (gates · hidden, hidden)
//              db = Σ_t dfrom_h_t, over the batch too    (gates · hidden)
//
// Behind the end of a sequence state_t = state_{t-1}. Saved: W, h0 and c0, the states, and what the
// cells keep; and, as by every fused operation, the inputs for the definition.
Variable recurrence(Cell cell, const Variable& from_x, const Variable& W, const Variable& b,
                    const Variable& h0, const Variable& c0, const RecurrenceOptions& options) {
  std::vector<Variable> inputs = {from_x, W, b, h0};
  if (c0.defined()) inputs.push_back(c0);
  check_operands(cell, inputs, options);
  const auto definition = [cell, options](const std::vector<Variable>& in) {
    return recurrence_definition(cell, in, options);
  };
  if (using_definitions()) return definition(inputs);

  const Tensor x = from_x.value().contiguous(), bias = b.value().contiguous();
  const Tensor h = h0.value().contiguous(), c = c0.value().defined() ? c0.value().contiguous() : h;
  const Dtype dtype = x.dtype();
  const lib::RecurrenceShape shape = shape_of(cell, x.shape(), options);
  const int64_t states = cell == Cell::lstm ? 2 : 1, one = shape.B * shape.T * shape.n;
  Tensor y = Tensor::empty({states, shape.B, shape.T, shape.n}, dtype);
  Tensor kept = Tensor::empty({shape.T, shape.B, lib::kept_of(cell) * shape.n}, dtype);
  tensor::dispatch_floating("recurrence", dtype, [&]<class T>(T) {
    T* const after = y.mutable_data<T>();
    lib::recurrence<T>(shape, {x.data<T>(), matrix<T>(W.value()), bias.data<T>(), h.data<T>(),
                               states == 2 ? c.data<T>() : nullptr, after,
                               states == 2 ? after + one : nullptr, kept.mutable_data<T>()});
  });
  const auto backward = [=, from_x = x.shape(), W = Saved(W), h = Saved(h), c = Saved(c),
                         y = Saved(y), kept = Saved(kept)](const Tensor& dy) {
    const Tensor d_after = dy.contiguous();
    Tensor d_from_x = Tensor::empty(from_x, dtype), dh = Tensor::empty(h.shape(), dtype);
    Tensor d_from_h = cell == Cell::gru ? d_from_x.clone() : d_from_x, dc = dh.clone();
    const lib::RecurrenceShape s = shape_of(cell, from_x, options);
    tensor::dispatch_floating("recurrence", dtype, [&]<class T>(T) {
      const T *const after = y.value().data<T>(), *const slope = d_after.data<T>();
      const bool two = states == 2;
      lib::recurrence_backward<T>(
          s, {matrix<T>(W.value()), h.value().data<T>(), two ? c.value().data<T>() : nullptr, after,
              two ? after + one : nullptr, kept.value().data<T>(), slope,
              two ? slope + one : nullptr, d_from_x.mutable_data<T>(), d_from_h.mutable_data<T>(),
              dh.mutable_data<T>(), two ? dc.mutable_data<T>() : nullptr});
    });
    const Tensor rows = tensor::as_rows(d_from_h);  // (B · T, gates · hidden)
    const Tensor before = tensor::as_rows(states_before(h.value(), y.value(), options.reversed));
    std::vector<Tensor> grads = {d_from_x, {}, {}, dh};
    if (wanted(1)) grads[1] = tensor::matmul(tensor::transpose(rows), before);
    if (wanted(2)) grads[2] = tensor::sum(rows, {0});
    if (states == 2) grads.push_back(dc);
    return grads;
  };
  return record_fused("recurrence", inputs, std::move(y), backward, definition);
}

}  // namespace qkv::autograd
