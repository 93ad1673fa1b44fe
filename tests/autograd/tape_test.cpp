// The tape's memory: the list of what a node keeps is complete (the allocator is asked), memory
// that is shared counts once, and parameters are counted apart.
#include "autograd/tape.h"

#include <doctest/doctest.h>

#include "autograd/graph.h"
#include "autograd/op_table.h"
#include "autograd/ops.h"
#include "lib/memory.h"
#include "tests/leaf.h"

using namespace qkv;
using namespace qkv::autograd;
using qkv::tests::leaf64;

namespace {

// The bytes that go when the node's closure goes although everything on the list is still held:
// 0, unless the closure keeps a tensor that the list does not have.
int64_t unlisted_bytes(Node& node) {
  const std::vector<Variable> held = saved_by(node);
  const int64_t before = lib::memory_stats().live_bytes;
  node.backward.clear();
  node.result = Tensor();
  return before - lib::memory_stats().live_bytes;
}

const TapeRow& row_of(const TapeMemory& memory, const std::string& op) {
  for (const TapeRow& row : memory.rows) {
    if (row.op == op) return row;
  }
  FAIL("no row for ", op);
  return memory.total;
}

}  // namespace

TEST_CASE("a node lists its operands and its result if backward needs them") {
  const Variable a = leaf64({2, 3}), b = leaf64({3});
  const Variable y = a * b;
  const auto saved = saved_by(*y.node());
  REQUIRE(saved.size() == 2);
  CHECK(saved[0].node() == a.node());
  CHECK(saved[1].node() == b.node());
  CHECK(saved_bytes(*y.node()) == (6 + 3) * 8);
  CHECK(saved_bytes(*exp(a).node()) == 6 * 8);   // its result
  CHECK(saved_bytes(*(a + b).node()) == 0);      // shapes only
  CHECK(saved_bytes(*(a * a).node()) == 6 * 8);  // once
  CHECK(saved_bytes(*a.node()) == 0);
}

TEST_CASE("a window keeps all of the memory it shows a part of") {
  const Variable row = slice(leaf64({10, 100}), 0, 3, 4);  // (1, 100)
  CHECK(saved_bytes(*log(row).node()) == 10 * 100 * 8);
}

TEST_CASE("masks and indices that backward needs are listed") {
  const Variable x = leaf64({2, 3});
  const Tensor mask = Tensor::of<bool>({true, false, true, false, true, true}, {2, 3});
  CHECK(saved_bytes(*masked_fill(x, mask, 0).node()) == 6);
  CHECK(saved_bytes(*embedding(x, Tensor::of<int64_t>({0, 1, 1}, {3})).node()) == 3 * 8);
  lib::Generator generator(1);
  CHECK(saved_bytes(*dropout(x, 0.5, generator).node()) == 6 * 8);
}

TEST_CASE("no operation keeps a tensor that is not on its list") {
  for (const OpCase& row : op_table()) {
    lib::Generator generator(1);
    std::vector<Variable> inputs;
    for (const Tensor& input : row.sample(generator)) inputs.push_back(parameter(input));
    const Variable result = row.apply(inputs);
    auto nodes = nodes_behind(result);
    for (const auto& node : nodes) {
      CHECK_MESSAGE(unlisted_bytes(*node) == 0, row.op, ", ", row.variant, ": ", node->op);
    }
  }
}

TEST_CASE("a tensor that hides in a closure is found") {
  const Variable x = leaf64({2, 3});
  const Variable sly = record("sly", {x}, x.value().clone(), [t = x.value().clone()](auto& dy) {
    return Grads{dy * Variable(t)};
  });
  CHECK(saved_bytes(*sly.node()) == 0);
  CHECK(unlisted_bytes(*sly.node()) > 0);
}

TEST_CASE("tape_memory counts memory once, for the operation that saved it first") {
  const Variable x = leaf64({2, 3}), w = leaf64({3, 4});
  const Variable h = exp(matmul(x, w));  // matmul saves x and w, exp its result: 8 doubles
  const Variable y = h * h;              // saves what exp has saved
  const Variable loss = mean(log(y));    // log saves y: 8 doubles
  const TapeMemory memory = tape_memory(loss);
  CHECK(row_of(memory, "matmul").bytes == 0);
  CHECK(memory.parameter_bytes == (6 + 12) * 8);
  CHECK(row_of(memory, "exp").bytes == 64);
  CHECK(row_of(memory, "mul").bytes == 0);
  CHECK(row_of(memory, "log").tensors == 1);
  CHECK(memory.total.bytes == 128);
  CHECK(memory.total.nodes == 5);
  CHECK(memory.node_bytes == 7 * static_cast<int64_t>(sizeof(Node)));
}

TEST_CASE("a parameter that was saved transposed counts apart if it is named") {
  const Variable x = tensor::ones({2, 3}, Dtype::float64), w = leaf64({4, 3});
  const Variable y = matmul(x, transpose(w));
  CHECK(tape_memory(y).total.bytes == (6 + 12) * 8);
  CHECK(tape_memory(y, {w}).total.bytes == 6 * 8);
  CHECK(tape_memory(y, {w}).parameter_bytes == 12 * 8);
}

TEST_CASE("a freed graph keeps nothing") {
  const Variable loss = mean(exp(leaf64({100})));
  CHECK(tape_memory(loss).total.bytes == 800);
  backward(loss);
  CHECK(tape_memory(loss).total.bytes == 0);
  CHECK(tape_memory(tensor::ones({2})).rows.empty());
}

TEST_CASE("tape_memory prints a table") {
  const Variable x = leaf64({32, 32});
  const std::string text = tape_memory(mean(exp(x) * x)).str();
  const std::string nodes = bytes_text(4 * static_cast<int64_t>(sizeof(Node)));
  CHECK(text ==
        "operation            nodes   tensors       saved\n"
        "exp                      1         1     8.0 KiB\n"
        "mean                     1         0         0 B\n"
        "mul                      1         0         0 B\n"
        "total                    3         1     8.0 KiB\n"
        "besides: parameters 8.0 KiB, nodes " +
            nodes + "\n");
}

TEST_CASE("backward_memory measures what a pass needs and leaves") {
  const Variable x = leaf64({1000, 100});
  const Variable loss = mean(exp(exp(x)));
  const PassMemory memory = backward_memory(loss);
  CHECK(memory.peak >= memory.before + 800'000);  // a gradient of x's size, at least
  CHECK(memory.peak <= memory.before + 5 * 800'000);
  CHECK(memory.after <= memory.before);  // the tape went, the gradient came
  CHECK(x.has_grad());
}

TEST_CASE("bytes are written with a unit that fits") {
  CHECK(bytes_text(0) == "0 B");
  CHECK(bytes_text(1023) == "1023 B");
  CHECK(bytes_text(1536) == "1.5 KiB");
  CHECK(bytes_text(20 << 20) == "20.0 MiB");
  CHECK(bytes_text(int64_t{3} << 40) == "3.0 TiB");
  CHECK(bytes_text(int64_t{3} << 50) == "3072.0 TiB");
}
