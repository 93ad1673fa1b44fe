// Mutants of the fused recurrent operations: what is forgotten or mixed up inside one step of a
// cell, and on the way back through time.
#include "examples/mutants/breeding.h"

namespace qkv::examples {
namespace {

using lib::Cell;

// Columns [begin, end) of the gates.
Variable columns(Var x, int64_t begin, int64_t end) { return slice(x, -1, begin, end); }

void cell_mutants(Mutants& all) {
  const auto rnn =
      all.of("rnn_cell", normals({{3, 2}, {3, 2}}), [](In in) { return rnn_cell(in[0], in[1]); });
  rnn("1 - h for 1 - h²", [](In, Var dh, Var h) -> Grads {
    const Variable d = dh - dh * h;
    return {d, d};
  });
  rnn("all of dy goes to from_x", [](In, Var dh, Var h) -> Grads {
    return {(dh - dh * h * h) * 2.0, dh * 0.0};
  });

  const Function gru_step = [](In in) { return gru_cell(in[0], in[1], in[2]); };
  const auto gru = all.of("gru_cell", normals({{3, 6}, {3, 6}, {3, 2}}), gru_step);
  gru("what passes beside the candidate is forgotten", [=](In in, Var dh, Var) -> Grads {
    const Grads right = right_gradients(gru_step, in, dh);
    return {right[0], right[1], right[2] * 0.0};
  });
  gru("from_h gets the gradient of from_x", [=](In in, Var dh, Var) -> Grads {
    const Grads right = right_gradients(gru_step, in, dh);
    return {right[0], right[0], right[2]};
  });

  const Function lstm_step = [](In in) { return lstm_cell(in[0], in[1], in[2]); };
  const auto lstm = all.of("lstm_cell", normals({{3, 8}, {3, 8}, {3, 2}}), lstm_step);
  lstm("the gradient of c' is forgotten", [=](In in, Var dy, Var) -> Grads {
    return right_gradients(lstm_step, in, only_first(dy, 0));
  });
  lstm("c' learns nothing from h'", [=](In in, Var dy, Var) -> Grads {
    return right_gradients(lstm_step, in, only_last(dy, 0));
  });
  lstm("gradients of f and g in each other's columns", [=](In in, Var dy, Var) -> Grads {
    const Grads right = right_gradients(lstm_step, in, dy);
    const Variable d = concat({columns(right[0], 0, 2), columns(right[0], 4, 6),
                               columns(right[0], 2, 4), columns(right[0], 6, 8)},
                              -1);
    return {d, d, right[2]};
  });
}

// An RNN of two sequences of three positions: from_x, W, b, h0. There dfrom_x is dfrom_h.
void sequence_mutants(Mutants& all) {
  const auto rnn_of = [](const autograd::RecurrenceOptions& options) -> Function {
    return
        [options](In in) { return recurrence(Cell::rnn, in[0], in[1], in[2], in[3], {}, options); };
  };
  const Sample sample = normals({{2, 3, 2}, {2, 2}, {2}, {2, 2}});
  const Function plain = rnn_of({});
  const auto product = [](Var d_from_h, Var h) {
    return matmul(transpose(reshape(d_from_h, {-1, 2})), reshape(h, {-1, 2}));
  };
  const auto row = all.of("recurrence", sample, plain);
  row("no gradient flows back through time", [=](In in, Var dy, Var y) -> Grads {
    const Variable d = reshape(dy - dy * y * y, {2, 3, 2}), h = reshape(y, {2, 3, 2});
    const Variable before = concat({reshape(in[3], {2, 1, 2}), slice(h, 1, 0, 2)}, 1);
    const Variable first = reshape(slice(d, 1, 0, 1), {2, 2});
    return {d, product(d, before), sum(d, {0, 1}), matmul(first, in[1])};
  });
  row("the state after for the state before in dW", [=](In in, Var dy, Var y) -> Grads {
    const Grads right = right_gradients(plain, in, dy);
    return {right[0], product(right[0], y), right[2], right[3]};
  });
  row("db is that of the last position", [=](In in, Var dy, Var) -> Grads {
    const Grads right = right_gradients(plain, in, dy);
    return {right[0], right[1], sum(only_last(right[0], 1), {0, 1}), right[3]};
  });
  const auto padded = all.of("recurrence", sample, rnn_of({{3, 1}, false}));
  padded("positions behind the end count as real",
         [=](In in, Var dy, Var) -> Grads { return right_gradients(plain, in, dy); });
  const auto back = all.of("recurrence", sample, rnn_of({{}, true}));
  back("the way back goes the way of the way there",
       [=](In in, Var dy, Var) -> Grads { return right_gradients(plain, in, dy); });
}

}  // namespace

void recurrent_cell_mutants(Mutants& all) {
  all.family = "recurrent cells";
  cell_mutants(all);
  sequence_mutants(all);
}

}  // namespace qkv::examples
