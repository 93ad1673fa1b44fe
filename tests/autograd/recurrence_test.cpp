// The fused recurrent operations: bit for bit what their definitions give, one node however long
// the sequence, memory in proportion to it, and refusals. Their gradients: op_table_test.cpp.
#include <doctest/doctest.h>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "autograd/tape.h"
#include "tests/compare.h"
#include "tests/leaf.h"
#include "tests/normal.h"

using namespace qkv;
using namespace qkv::autograd;
using qkv::lib::Cell;
using qkv::tests::leaf;
using qkv::tests::leaf64;
using qkv::tests::normal;
using qkv::tests::refusal;

namespace {

constexpr Cell kCells[] = {Cell::rnn, Cell::gru, Cell::lstm};

// from_x, W, b, h0, c0
struct Operands5 {
  Operands5(Cell a_cell, int64_t B, int64_t T, int64_t hidden, Dtype dtype = Dtype::float32)
      : cell(a_cell) {
    const int64_t gates = lib::gates_of(cell) * hidden;
    from_x = parameter(normal({B, T, gates}, 1, dtype)), W = normal({gates, hidden}, 2, dtype);
    b = normal({gates}, 3, dtype), h0 = normal({B, hidden}, 4, dtype);
    if (cell == Cell::lstm) c0 = normal({B, hidden}, 5, dtype);
  }
  [[nodiscard]] Variable run(const RecurrenceOptions& options = {}) const {
    return recurrence(cell, from_x, W, b, h0, c0, options);
  }
  Cell cell;
  Variable from_x, W, b, h0, c0;
};

}  // namespace

TEST_CASE("a fused cell has the bits of its definition") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    for (const int64_t hidden : {1, 19, 64, 70}) {
      const auto gates = [&](int64_t count, uint64_t seed) -> Variable {
        return normal({4, count * hidden}, seed, dtype);
      };
      const Variable state = gates(1, 3);
      const auto all = [&] {
        return std::vector<Variable>{rnn_cell(gates(1, 1), gates(1, 2)),
                                     gru_cell(gates(3, 1), gates(3, 2), state),
                                     lstm_cell(gates(4, 1), gates(4, 2), state)};
      };
      const std::vector<Variable> fused = all();
      const UseDefinitions definitions;
      const std::vector<Variable> plain = all();
      for (size_t i = 0; i < 3; ++i) {
        CHECK(fused[i].value().to_vector() == plain[i].value().to_vector());
      }
    }
  }
}

TEST_CASE("a fused sequence has the bits of its cells one after the other") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    for (const Cell cell : kCells) {
      for (const bool reversed : {false, true}) {
        const int64_t B = 4, T = 5, hidden = 19;
        const Operands5 operands(cell, B, T, hidden, dtype);
        const Variable states = operands.run({{}, reversed});
        REQUIRE(states.shape() == Shape{cell == Cell::lstm ? 2 : 1, B, T, hidden});
        Variable h = operands.h0, c = operands.c0;
        for (int64_t i = 0; i < T; ++i) {
          const int64_t t = reversed ? T - 1 - i : i;
          const Variable x = select(operands.from_x, 1, t);
          const Variable from_h = linear(h, operands.W, operands.b);
          if (cell == Cell::rnn) h = rnn_cell(x, from_h);
          if (cell == Cell::gru) h = gru_cell(x, from_h, h);
          if (cell == Cell::lstm) {
            const Variable after = lstm_cell(x, from_h, c);
            h = select(after, 0, 0);
            c = select(after, 0, 1);
          }
          const Variable at_t = slice(states, 2, t, t + 1);  // (states, B, 1, hidden)
          CHECK(slice(at_t, 0, 0, 1).value().to_vector() == h.value().to_vector());
          if (cell != Cell::lstm) continue;
          CHECK(slice(at_t, 0, 1, 2).value().to_vector() == c.value().to_vector());
        }
      }
    }
  }
}

TEST_CASE("a sequence is one node of the graph however long it is") {
  for (const Cell cell : kCells) {
    int64_t nodes[2];
    for (const int64_t T : {3, 40}) {
      const Operands5 operands(cell, 2, T, 3);
      const int64_t before = live_nodes();
      const Variable states = operands.run();
      nodes[T == 40] = live_nodes() - before;
    }
    CHECK(nodes[0] == 1);
    CHECK(nodes[1] == 1);
  }
}

TEST_CASE("the way back through a sequence needs memory in proportion to its length") {
  for (const Cell cell : kCells) {
    int64_t peaks[2];
    for (const int64_t T : {32, 64}) {
      const Operands5 operands(cell, 4, T, 32);
      const Variable states = operands.run();
      const PassMemory memory = backward_memory(states, normal(states.shape(), 6, Dtype::float32));
      peaks[T == 64] = memory.peak - memory.before;
    }
    CHECK(peaks[1] <= peaks[0] * 22 / 10);
  }
}

TEST_CASE("a state that was overwritten since is noticed on the way back") {
  const Operands5 operands(Cell::gru, 2, 3, 4);
  Variable states = operands.run();
  states.mutable_value().fill_(0);
  CHECK(refusal([&] {
          backward(states, tensor::ones(states.shape()));
        }).starts_with("recurrence: a tensor of shape (1, 2, 3, 4) that was saved"));
}

TEST_CASE("recurrent cells and sequences refuse what does not fit in one sentence each") {
  CHECK(refusal([] {
          return rnn_cell(leaf({2, 3}), leaf({2, 4}));
        }) ==
        "rnn_cell: from_x is (2, 3), from_h (2, 4), the state (2, 4); need (B, 1 hidden) twice and "
        "(B, hidden)");
  CHECK(refusal([] {
          return gru_cell(leaf({2, 6}), leaf({2, 6}), leaf64({2, 2}));
        }) == "gru_cell: dtypes differ: from_x is float32, from_h float32, the state float64");
  CHECK(refusal([] {
          return recurrence(Cell::gru, leaf({2, 3, 6}), leaf({6, 2}), leaf({6}), leaf({1, 2}));
        }) ==
        "recurrence: from_x is (2, 3, 6), W (6, 2), b (6,), states (1, 2) (1, 2); need "
        "(B, T, 3 hidden) with T >= 1, (3 hidden, hidden), (3 hidden,) and (B, hidden)");
  const auto with = [](Cell cell, const Variable& c0, const RecurrenceOptions& options = {}) {
    const int64_t gates = 2 * lib::gates_of(cell);
    return refusal([&] {
      return recurrence(cell, leaf({2, 3, gates}), leaf({gates, 2}), leaf({gates}), leaf({2, 2}),
                        c0, options);
    });
  };
  const std::string c = "recurrence: an LSTM has a c0, and no other cell has one";
  CHECK(with(Cell::lstm, {}) == c);
  CHECK(with(Cell::rnn, leaf({2, 2})) == c);
  CHECK(with(Cell::lstm, leaf64({2, 2})) ==
        "recurrence: dtypes differ: from_x is float32, another operand float64");
  CHECK(with(Cell::rnn, {}, {{1}, false}) ==
        "recurrence: there are 1 lengths for 2 sequences; need one for each");
  CHECK(with(Cell::rnn, {}, {{1, 4}, false}) == "recurrence: length 4 is outside [0, 3]");
  CHECK(with(Cell::rnn, {}, {{-1, 3}, false}) == "recurrence: length -1 is outside [0, 3]");
  CHECK(with(Cell::gru, {}, {{0, 3}, true}) == "not refused");
}
