// Memory: graphs go when nobody holds them, however long they are and whatever happened to them,
// and a training loop asks the system for nothing after its first step.
#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <memory>
#include <thread>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "lib/memory.h"
#include "nn/optimizer.h"
#include "nn/transformer.h"

#if !defined(_WIN32)
#include <pthread.h>
#endif

using namespace qkv;
using namespace qkv::autograd;

namespace {

Variable leaf(double value) { return parameter(tensor::scalar(value, Dtype::float64)); }

// Runs the body on a thread whose stack has 256 KiB: a recursion a million deep would need a
// hundred megabytes. On Windows the default of 1 MiB must do.
void run_on_a_small_stack(const std::function<void()>& body) {
#if defined(_WIN32)
  std::thread(body).join();
#else
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, 256 * 1024) == 0);
  const auto call = [](void* argument) -> void* {
    (*static_cast<const std::function<void()>*>(argument))();
    return nullptr;
  };
  pthread_t thread;
  auto* const argument = const_cast<std::function<void()>*>(&body);
  REQUIRE(pthread_create(&thread, &attributes, call, argument) == 0);
  REQUIRE(pthread_join(thread, nullptr) == 0);
  pthread_attr_destroy(&attributes);
#endif
}

// A small model and one step of training on it.
struct Training {
  lib::Generator generator{1};
  nn::EncoderClassifier model{
      {.vocab = 7, .width = 8, .heads = 2, .feed_forward = 12, .dropout = 0.1}, generator};
  nn::AdamW optimizer{model.parameters(), {.weight_decay = 0.01}};

  double step() {
    const Tensor tokens = tensor::integers({5, 6}, 0, 7, generator);
    const Variable loss = cross_entropy(model.forward(tokens, nn::Mask::causal(6)).output, tokens);
    optimizer.zero_grad();
    backward(loss);
    nn::clip_grad_norm(model.parameters(), 1);
    optimizer.step();
    return loss.item();
  }
};

}  // namespace

TEST_CASE("live_nodes counts leaves and results and falls when they go") {
  const int64_t start = live_nodes();
  {
    const Variable x = leaf(2);
    CHECK(live_nodes() == start + 1);
    {
      const Variable y = exp(x * x);
      CHECK(live_nodes() == start + 3);
    }
    CHECK(live_nodes() == start + 1);
    Variable y = exp(x);
    y = x;
    CHECK(live_nodes() == start + 1);
  }
  CHECK(live_nodes() == start);
}

TEST_CASE("what a closure has saved goes with its node, whether it lies inside or is too large") {
  const auto kept = std::make_shared<int>(7);
  const Variable x = leaf(2);
  for (const bool pass : {false, true}) {
    const Variable small =
        record("small", {x}, x.value(), [kept](const Variable& dy) -> Grads { return {dy}; });
    const Variable large = record("large", {x}, x.value(),
                                  [kept, ballast = std::array<double, 100>()](
                                      const Variable& dy) -> Grads { return {dy * ballast[99]}; });
    CHECK(kept.use_count() == 3);
    if (pass) backward(small + large);
    CHECK(kept.use_count() == (pass ? 1 : 3));
  }
  CHECK(kept.use_count() == 1);
}

TEST_CASE("operations that need their own result in backward do not keep themselves alive") {
  const int64_t start = live_nodes();
  {
    const Variable x = parameter(tensor::ones({2, 3}, Dtype::float64));
    for (const Variable& y :
         {exp(x), tanh(x), sqrt(x), sigmoid(x), softmax(x, -1), log_softmax(x, 0)}) {
      CHECK(y.requires_grad());
    }
    CHECK(live_nodes() == start + 1);
  }
  CHECK(live_nodes() == start);
}

TEST_CASE("a graph and the graphs of its gradients go when nobody holds them") {
  const int64_t start = live_nodes();
  {
    const Variable x = leaf(0.5);
    const Variable y = gelu(exp(x) * tanh(x));
    const Variable first = grad({y}, {x}, {}, {.create_graph = true})[0];
    const Variable second = grad({first}, {x}, {}, {.create_graph = true})[0];
    static_cast<void>(grad({second}, {x}));
    CHECK(live_nodes() > start + 10);
  }
  CHECK(live_nodes() == start);
}

TEST_CASE("a leaf that holds a gradient with a graph goes once that gradient is zeroed") {
  const int64_t start = live_nodes();
  {
    Variable x = leaf(3);
    backward(x * x, {}, {.create_graph = true});
    CHECK(x.grad().requires_grad());
    x.zero_grad();  // the leaf held its gradient, and that held the leaf
  }
  CHECK(live_nodes() == start);
}

TEST_CASE("a graph whose backward throws goes like any other") {
  const int64_t start = live_nodes();
  for (const bool create_graph : {false, true}) {
    const Variable x = leaf(3);
    const Variable y = record("bomb", {exp(x)}, tensor::scalar(1, Dtype::float64),
                              [](const Variable&) -> Grads { throw 42; });
    CHECK_THROWS_AS(backward(tanh(y * y), {}, {.create_graph = create_graph}), int);
  }
  CHECK(live_nodes() == start);
}

TEST_CASE("an operation that throws leaves no node behind") {
  const Variable a = parameter(tensor::ones({2, 3})), b = parameter(tensor::ones({4, 5}));
  const int64_t start = live_nodes();
  CHECK_THROWS_AS(static_cast<void>(matmul(exp(a), b)), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(exp(a) + exp(b)), std::invalid_argument);
  CHECK(live_nodes() == start);
}

TEST_CASE("backward frees what the operations saved") {
  const Variable x = parameter(tensor::ones({1000, 1000}));
  const Variable y = sum(exp(x) * exp(x));
  const int64_t before = lib::memory_stats().live_bytes;
  backward(y);
  // Two results of exp are released, one gradient has come: y is still held.
  CHECK(lib::memory_stats().live_bytes <= before - 3'000'000);
}

TEST_CASE("a chain of a million nodes runs backward and is destroyed on a small stack") {
  constexpr int kLength = 1'000'000;
  const int64_t start = live_nodes();
  double slope = 0;
  run_on_a_small_stack([&] {
    const Variable x = leaf(2);
    Variable y = x;
    for (int i = 0; i < kLength; ++i) y = -y;
    backward(y);
    slope = x.grad().item();
  });
  CHECK(slope == 1);
  CHECK(live_nodes() == start);
}

TEST_CASE("a chain of a million nodes that was never gone through is destroyed on a small stack") {
  constexpr int kLength = 1'000'000;
  const int64_t start = live_nodes();
  int64_t alive = 0;
  run_on_a_small_stack([&] {
    Variable y = leaf(2);
    for (int i = 0; i < kLength; ++i) y = -y;
    alive = live_nodes() - start;
  });
  CHECK(alive == kLength + 1);
  CHECK(live_nodes() == start);
}

TEST_CASE("a chain whose operations save their operands is destroyed on a small stack") {
  constexpr int kLength = 200'000;
  const int64_t start = live_nodes();
  double slope = 0;
  run_on_a_small_stack([&] {
    const Variable x = leaf(1);
    {
      Variable unused = x;
      for (int i = 0; i < kLength; ++i) unused = unused * x;
    }
    Variable y = x;
    for (int i = 1; i < kLength; ++i) y = y * x;  // x to the 200000, and x is 1
    const Variable first = grad({y}, {x}, {}, {.create_graph = true})[0];
    slope = first.item();
  });
  CHECK(slope == kLength);
  CHECK(live_nodes() == start);
}

TEST_CASE("a training loop makes no system call after its first steps") {
  Training training;
  for (int step = 0; step < 3; ++step) training.step();
  const lib::MemoryStats before = lib::memory_stats();
  const int64_t nodes = live_nodes();
  for (int step = 0; step < 20; ++step) training.step();
  CHECK(lib::memory_stats().system_calls == before.system_calls);
  CHECK(lib::memory_stats().live_bytes == before.live_bytes);
  CHECK(live_nodes() == nodes);
}
