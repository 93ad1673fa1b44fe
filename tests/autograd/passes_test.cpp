// Passes that do not go as planned: an exception in the middle of one, and several threads. What is
// promised: everything is usable afterwards, and a pass gives what it would give alone.
#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "autograd/engine.h"
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "tests/compare.h"

using namespace qkv;
using namespace qkv::autograd;
using qkv::tests::refusal;
using qkv::tests::relative_error;

namespace {

Variable leaf(double value) { return parameter(tensor::scalar(value, Dtype::float64)); }

struct Bang {};

// y = x, whose backward throws as long as `armed`.
Variable bomb(const Variable& x, const bool& armed) {
  return record("bomb", {x}, x.value().clone(), [&armed](const Variable& dy) -> Grads {
    if (armed) throw Bang();
    return {dy};
  });
}

// Nothing of a pass is left in the graph behind the result.
void check_no_traces(const Variable& result) {
  for (const auto& node : nodes_behind(result)) {
    CHECK_FALSE(node->pending.defined());
    CHECK(node->wanted);
  }
  CHECK(recording());
  CHECK_FALSE(inside_backward());
}

// Calls body(i) on n threads that start together.
template <class Body>
void run_threads(int n, const Body& body) {
  std::atomic<int> waiting = n;
  std::vector<std::thread> threads;
  for (int i = 0; i < n; ++i) {
    threads.emplace_back([&, i] {
      waiting -= 1;
      while (waiting > 0) std::this_thread::yield();
      body(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

// ---- exceptions ---------------------------------------------------------------------------------

TEST_CASE("an exception in the middle of a pass leaves no traces and the next pass is right") {
  for (const bool create_graph : {false, true}) {
    bool armed = true;
    Variable x = leaf(3), w = leaf(5);
    const Variable a = x * w;
    const Variable y = exp(a * 0.0) * bomb(a, armed) + w * 2.0;  // several nodes wait meanwhile
    const BackwardOptions keep{.retain_graph = true, .create_graph = create_graph};
    CHECK_THROWS_AS(backward(y, {}, keep), Bang);
    check_no_traces(y);
    CHECK_THROWS_AS(static_cast<void>(grad({y}, {w}, {}, keep)), Bang);
    check_no_traces(y);
    armed = false;
    x.zero_grad(), w.zero_grad();
    backward(y, {}, keep);
    CHECK(x.grad().item() == 5);  // exp(0 a) a + 2 w
    CHECK(w.grad().item() == 3 + 2);
    x.zero_grad(), w.zero_grad();  // with a graph, the gradient holds its leaf
  }
}

TEST_CASE("leaves that were reached before an exception keep what they got") {
  const bool armed = true;
  const Variable x = leaf(3);
  const Variable late = bomb(x * 4.0, armed), w = leaf(5);  // the youngest is reached first
  const Variable y = late * w;
  CHECK_THROWS_AS(backward(y), Bang);
  CHECK(w.grad().item() == 12);
  CHECK_FALSE(x.has_grad());
  CHECK(refusal([&] { backward(y); }) ==
        "backward: the graph behind 'mul' was freed by an earlier backward; pass retain_graph "
        "there to go through it twice");
}

TEST_CASE("an exception in a pass inside a backward leaves no traces") {
  const int64_t nodes = live_nodes();
  {
    const Variable x = leaf(0.5);
    const Variable y = record_fused(
        "fused", {x}, x.value().clone(), [](const Tensor& dy) { return std::vector<Tensor>{dy}; },
        [](const std::vector<Variable>& in) -> Variable {
          return record("inner", {in[0] * 2.0}, in[0].value().clone(),
                        [](const Variable&) -> Grads { throw Bang(); });
        });
    CHECK_THROWS_AS(backward(y * y, {}, {.create_graph = true}), Bang);
    check_no_traces(y);
    backward(x * x);
    CHECK(x.grad().item() == 1);
  }
  CHECK(live_nodes() == nodes);
}

// ---- threads ------------------------------------------------------------------------------------

TEST_CASE("threads with graphs of their own do not disturb each other") {
  const int64_t nodes = live_nodes();
  double slopes[4] = {};
  run_threads(4, [&](int i) {
    for (int round = 0; round < 20; ++round) {
      const Variable x = leaf(i + 1);
      Variable y = x;
      for (int k = 0; k < 3; ++k) y = y * x;  // x⁴
      backward(y);
      slopes[i] = x.grad().item();
    }
  });
  for (int i = 0; i < 4; ++i) CHECK(slopes[i] == 4.0 * (i + 1) * (i + 1) * (i + 1));
  CHECK(live_nodes() == nodes);
}

TEST_CASE("threads that share leaves add up their gradients as if one came after the other") {
  const Variable w = leaf(2), v = leaf(3);
  run_threads(4, [&](int i) {
    for (int round = 0; round < 25; ++round) backward(w * v * static_cast<double>(i + 1));
  });
  CHECK(w.grad().item() == 25 * (1 + 2 + 3 + 4) * 3);
  CHECK(v.grad().item() == 25 * (1 + 2 + 3 + 4) * 2);
}

TEST_CASE("of several threads that go through one graph the first frees it") {
  const Variable x = leaf(3);
  const Variable y = exp(x * x) * x;
  std::atomic<int> done = 0, refused = 0;
  run_threads(3, [&](int) {
    const std::string text = refusal([&] { backward(y); });
    if (text == "not refused") done += 1;
    if (text.find("was freed by an earlier backward") != std::string::npos) refused += 1;
  });
  CHECK(done == 1);
  CHECK(refused == 2);
  CHECK(relative_error({x.grad().item()}, {std::exp(9) * (2 * 9 + 1)}) <= 1e-15);
}

TEST_CASE("several threads may go through a graph that is kept") {
  const Variable x = leaf(3);
  const Variable square = x * x;
  const Variable y = square * 2.0, z = square * x;  // two outputs over one node
  double slopes[4] = {};
  run_threads(4, [&](int i) {
    for (int round = 0; round < 25; ++round) {
      slopes[i] =
          grad({i % 2 == 0 ? y : z}, {i < 2 ? x : square}, {}, {.retain_graph = true})[0].item();
    }
  });
  CHECK(slopes[0] == 12);
  CHECK(slopes[1] == 27);
  CHECK(slopes[2] == 2);
  CHECK(slopes[3] == 3);
  CHECK_FALSE(x.has_grad());
}

TEST_CASE("a thread that throws in its pass lets the next one in") {
  const bool armed = true;
  const Variable x = leaf(3);
  std::atomic<int> thrown = 0;
  run_threads(3, [&](int i) {
    try {
      backward(i == 0 ? bomb(x, armed) * 2.0 : x * 2.0);
    } catch (const Bang&) {
      thrown += 1;
    }
  });
  CHECK(thrown == 1);
  CHECK(x.grad().item() == 4);
}

TEST_CASE("a pass inside a backward finds its way where the pass around it wants nothing") {
  const Variable a = leaf(3), w = leaf(5);
  const Variable m = a * a, z = m * a;  // dz/da = 3 a²
  const Variable y = record("nested", {w, m}, w.value(), [z, a](const Variable& dy) -> Grads {
    return {dy * grad({z}, {a}, {}, {.retain_graph = true})[0], dy};
  });
  CHECK(grad({y}, {w}, {}, {.retain_graph = true})[0].item() == 27);
  CHECK(grad({y}, {w, a}, {}, {.retain_graph = true})[0].item() == 27);
}

TEST_CASE("a pass inside a backward may not go where the pass around it is waiting") {
  const Variable a = leaf(3);
  const Variable m = exp(a), z = m * 2.0;
  const Variable y = record("nested", {m}, m.value(), [z, a](const Variable& dy) -> Grads {
    return {dy * grad({z}, {a}, {}, {.retain_graph = true})[0]};
  });
  const std::string text = refusal([&] { return grad({y + m}, {a}); });
  CHECK(
      text ==
      "backward: a pass inside a backward has come to 'exp', where the pass around it is waiting; "
      "detach() what the inner one is made of");
  check_no_traces(y + m);
}
