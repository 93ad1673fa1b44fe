// Rows of the op table: the recurrent cells, and whole sequences of them.
#include "autograd/op_rows.h"
#include "autograd/ops.h"

namespace qkv::autograd {
namespace {

using lib::Cell;

void cell_rows(Rows& rows) {
  const auto rnn = [](In in) { return rnn_cell(in[0], in[1]); };
  const auto gru = [](In in) { return gru_cell(in[0], in[1], in[2]); };
  const auto lstm = [](In in) { return lstm_cell(in[0], in[1], in[2]); };
  const auto add = [&](const char* op, int64_t gates, const Function& apply) {
    const auto sizes = [&](int64_t B, int64_t hidden) {
      const Shape products = {B, gates * hidden};
      return gates == 1 ? normals({products, products})
                        : normals({products, products, {B, hidden}});
    };
    rows.push_back({op, "three rows", sizes(3, 2), apply, true});
    rows.push_back({op, "one row", sizes(1, 5), apply, true});
    rows.push_back({op, "one element", sizes(1, 1), apply, true});
    rows.push_back({op, "empty", sizes(0, 2), apply, true});
  };
  add("rnn_cell", 1, rnn);
  add("gru_cell", 3, gru);
  add("lstm_cell", 4, lstm);
}

// B sequences of T positions, and two numbers of state.
void sequence_rows(Rows& rows) {
  const auto add = [&](std::string variant, Cell cell, int64_t B, int64_t T, int64_t hidden,
                       const RecurrenceOptions& options = {}) {
    const int64_t gates = lib::gates_of(cell) * hidden;
    std::vector<Shape> shapes = {{B, T, gates}, {gates, hidden}, {gates}, {B, hidden}};
    if (cell == Cell::lstm) shapes.push_back({B, hidden});
    rows.push_back({"recurrence", std::move(variant), normals(shapes),
                    [cell, options](In in) {
                      const Variable c0 = cell == Cell::lstm ? in[4] : Variable();
                      return recurrence(cell, in[0], in[1], in[2], in[3], c0, options);
                    },
                    true});
  };
  add("lstm", Cell::lstm, 2, 3, 2);
  add("lstm, lengths 1 and 3, reversed", Cell::lstm, 2, 3, 2, {{1, 3}, true});
  add("gru", Cell::gru, 2, 3, 2);
  add("gru, lengths 3, 0 and 2", Cell::gru, 3, 3, 2, {{3, 0, 2}, false});
  add("rnn", Cell::rnn, 2, 3, 2);
  add("rnn, lengths 3 and 2, reversed", Cell::rnn, 2, 3, 2, {{3, 2}, true});
  add("one position", Cell::gru, 1, 1, 1);
  add("no sequences", Cell::lstm, 0, 2, 2);
}

}  // namespace

void recurrent_rows(Rows& rows) {
  cell_rows(rows);
  sequence_rows(rows);
}

}  // namespace qkv::autograd
