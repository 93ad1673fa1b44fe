// Linear attention: its three forms are one function, it keeps to the mask, and its cost grows like
// the length.
#include "nn/linear_attention.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/dependency.h"
#include "autograd/engine.h"
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "lib/memory.h"
#include "tests/check_gradients.h"
#include "tests/compare.h"
#include "tests/normal.h"

using namespace qkv;
using namespace qkv::nn;
using autograd::dependency;
using autograd::parameter;
using qkv::tests::check_gradients;
using qkv::tests::normal;
using qkv::tests::refusal;
using qkv::tests::relative_error;

namespace {

using Numbers = std::vector<double>;

Numbers numbers(const Variable& x) { return x.value().to_vector(); }

double phi(double x) { return x > 0 ? x + 1 : std::exp(x); }

// What a causal forward and backward at T positions takes: numbers in all results of the graph, and
// bytes at the most.
struct Cost {
  int64_t nodes = 0, numbers = 0, bytes = 0;
};

Cost cost(int64_t T, bool need_weights) {
  const Variable Q = parameter(normal({1, 2, T, 4}, 1)), K = parameter(normal({1, 2, T, 4}, 2));
  const Variable V = parameter(normal({1, 2, T, 3}, 3));
  const Mask mask = Mask::causal(T);
  const Tensor cotangent = normal({1, 2, T, 3}, 4);
  const int64_t before = lib::memory_stats().live_bytes;
  lib::reset_peak_memory();
  Cost c;
  {
    const Variable y = linear_attention(Q, K, V, mask, need_weights).output;
    for (const auto& node : autograd::nodes_behind(y)) {
      c.nodes += 1;
      c.numbers += node->shape.numel();
    }
    CHECK(autograd::grad({y}, {Q, K, V}, {cotangent}).size() == 3);
  }
  c.bytes = lib::memory_stats().peak_bytes - before;
  return c;
}

}  // namespace

TEST_CASE("elu plus one is smooth at zero and finite far out") {
  const Variable x = parameter(Tensor::of<double>({-800, -1, 0, 0.5, 800}, {5}));
  const Variable y = elu_plus_one(x);
  CHECK(relative_error(numbers(y), {0, std::exp(-1), 1, 1.5, 801}) <= 1e-15);
  const auto dx = autograd::grad({y}, {x}, {tensor::ones({5}, Dtype::float64)})[0];
  CHECK(relative_error(numbers(dx), {0, std::exp(-1), 1, 1, 1}) <= 1e-15);
}

TEST_CASE("linear attention equals its formula by plain loops") {
  const Tensor Q = normal({4, 3}, 1), K = normal({4, 3}, 2), V = normal({4, 2}, 3);
  const auto [y, weights] = linear_attention(Q, K, V, Mask::causal(4));
  for (int64_t i = 0; i < 4; ++i) {
    Numbers row, output = {0, 0};
    double total = 0;
    for (int64_t j = 0; j < 4; ++j) {
      double product = 0;
      for (int64_t d = 0; d < 3; ++d) product += phi(Q.at({i, d})) * phi(K.at({j, d}));
      row.push_back(j <= i ? product : 0);
      total += row.back();
    }
    for (int64_t j = 0; j < 4; ++j) {
      const double w = row[static_cast<size_t>(j)] / total;
      CHECK(std::abs(weights.value().at({i, j}) - w) <= 1e-15);
      output[0] += w * V.at({j, 0}), output[1] += w * V.at({j, 1});
    }
    CHECK(relative_error(numbers(slice(y, 0, i, i + 1)), output) <= 1e-14);
  }
}

TEST_CASE("linear attention by weights by running sums and step by step are one function") {
  const Variable Q = normal({2, 3, 5, 4}, 1), K = normal({2, 3, 7, 4}, 2);
  const Variable V = normal({2, 3, 7, 2}, 3);
  const Mask padding = Mask::padding({7, 4}, 7);
  for (const Mask& mask : {Mask(), Mask::causal(5, 7), padding, Mask::causal(5, 7) & padding}) {
    const auto by_weights = linear_attention(Q, K, V, mask);
    const auto by_sums = linear_attention(Q, K, V, mask, false);
    CHECK_FALSE(by_sums.weights.defined());
    CHECK(relative_error(by_sums.output.value(), by_weights.output.value()) <= 1e-14);
    for (const double total : numbers(sum(by_weights.weights, {-1}))) {
      CHECK(std::abs(total - 1) <= 1e-14);
    }
  }
  Variable state;
  const Variable causal = linear_attention(K, K, V, Mask::causal(7)).output;
  for (int64_t t = 0; t < 7; ++t) {
    const auto at = [t](const Variable& x) { return slice(x, 2, t, t + 1); };
    const Variable y = linear_attention_step(at(K), at(K), at(V), state);
    CHECK(relative_error(y.value(), at(causal).value()) <= 1e-14);
    CHECK(state.shape() == Shape{2, 3, 4, 3});
  }
}

TEST_CASE("the gradients of linear attention are right in every form") {
  const std::vector<Tensor> inputs = {normal({1, 2, 3, 2}, 1), normal({1, 2, 4, 2}, 2),
                                      normal({1, 2, 4, 2}, 3)};
  for (const bool need_weights : {true, false}) {
    for (const Mask& mask : {Mask(), Mask::causal(3, 4) & Mask::padding({3}, 4)}) {
      check_gradients(
          "linear_attention",
          [=](const std::vector<Variable>& x) {
            return linear_attention(x[0], x[1], x[2], mask, need_weights).output;
          },
          inputs);
    }
  }
  check_gradients("linear_attention_step",
                  [](const std::vector<Variable>& x) {
                    Variable state = x[3];
                    return linear_attention_step(x[0], x[1], x[2], state);
                  },
                  {normal({2, 1, 3}, 1), normal({2, 1, 3}, 2), normal({2, 1, 2}, 3),
                   tensor::full({2, 3, 3}, 1.5, Dtype::float64)});
}

TEST_CASE("linear attention depends on what the mask allows and nothing else") {
  const Variable Q = parameter(normal({1, 1, 4, 3}, 1)), K = parameter(normal({1, 1, 4, 3}, 2));
  const Variable V = parameter(normal({1, 1, 4, 2}, 3));
  for (const bool need_weights : {true, false}) {
    const auto see = [&](const Mask& mask, const Variable& x) {
      return dependency(linear_attention(Q, K, V, mask, need_weights).output, x).str();
    };
    CHECK(see(Mask::causal(4), V) == Mask::causal(4).str());
    CHECK(see(Mask::causal(4) & Mask::padding({3}, 4), V) ==
          "# . . .\n# # . .\n# # # .\n# # # .\n");
    CHECK(see(Mask::padding({2}, 4), K) == "# # . .\n# # . .\n# # . .\n# # . .\n");
    CHECK(see(Mask::padding({0}, 4), V) == ". . . .\n. . . .\n. . . .\n. . . .\n");
    CHECK(see(Mask::padding({0}, 4), K) == ". . . .\n. . . .\n. . . .\n. . . .\n");
    CHECK(see({}, Q) == "# . . .\n. # . .\n. . # .\n. . . #\n");
  }
  CHECK(dependency(linear_attention(Q, K, V, Mask::window(4, 4, 2)).output, V).str() ==
        Mask::window(4, 4, 2).str());
}

TEST_CASE("padding changes no bit of running sums") {
  const Variable x = normal({1, 2, 9, 4}, 1), v = normal({1, 2, 9, 3}, 2);
  const auto first = [](const Variable& y) { return slice(y, 2, 0, 5); };
  const Mask mask = Mask::causal(9) & Mask::padding({5}, 9);
  CHECK(numbers(first(linear_attention(x, x, v, mask, false).output)) ==
        numbers(linear_attention(first(x), first(x), first(v), Mask::causal(5), false).output));
}

TEST_CASE("running sums refuse masks that leave out keys for some queries only") {
  const Variable x = normal({1, 1, 4, 2}, 1);
  CHECK(
      refusal([&] { return linear_attention(x, x, x, Mask::window(4, 4, 2), false); }) ==
      "linear_attention: the mask is more than causal or padding; running sums cannot leave out a "
      "key for some queries only, so ask for the weights");
}

TEST_CASE("linear attention refuses operands that do not fit, with weights and without") {
  for (const bool need_weights : {false, true}) {
    const auto attend = [&](const Shape& Q, const Shape& K, const Shape& V) {
      return refusal([&] {
        return linear_attention(tensor::ones(Q), tensor::ones(K), tensor::ones(V), {},
                                need_weights);
      });
    };
    CHECK(attend({2, 3, 4}, {2, 5, 4}, {2, 5, 6}) == "not refused");
    CHECK(attend({2, 3, 4}, {2, 5, 3}, {2, 5, 6}) ==
          "linear_attention: Q is (2, 3, 4), K (2, 5, 3), V (2, 5, 6); need (..., Tq, D), "
          "(..., Tk, D) and (..., Tk, Dv), the axes before the same");
    CHECK(attend({2, 3, 4}, {2, 5, 4}, {2, 4, 6}) != "not refused");
    CHECK(attend({2, 3, 4}, {1, 5, 4}, {2, 5, 6}) != "not refused");
    CHECK(attend({2, 3, 4}, {2, 5, 4}, {5, 6}) != "not refused");
    CHECK(attend({4}, {4}, {4}) != "not refused");
  }
}

TEST_CASE("a step of linear attention refuses what is not one position") {
  const auto step = [](const Shape& q, const Shape& k, const Shape& v, Variable state = {}) {
    return refusal([&] {
      return linear_attention_step(tensor::ones(q), tensor::ones(k), tensor::ones(v), state);
    });
  };
  CHECK(step({2, 1, 3}, {2, 1, 3}, {2, 1, 4}) == "not refused");
  CHECK(step({1, 3}, {1, 3}, {1, 4}, tensor::ones({3, 5})) == "not refused");
  CHECK(step({2, 2, 3}, {2, 2, 3}, {2, 2, 4}) ==
        "linear_attention_step: q is (2, 2, 3), k (2, 2, 3); need one position, Tq = Tk = 1");
  for (const Shape& k : {Shape{1, 1, 3}, {2, 1, 2}, {1, 3}, {3}}) {
    CHECK(step({2, 1, 3}, k, {2, 1, 4}).starts_with("linear_attention_step: Q is (2, 1, 3), K"));
  }
  for (const Shape& v : {Shape{1, 1, 4}, {2, 2, 4}, {1, 4}, {}}) {
    CHECK(step({2, 1, 3}, {2, 1, 3}, v).starts_with("linear_attention_step: Q is (2, 1, 3), K"));
  }
  CHECK(step({3}, {3}, {4}) != "not refused");
  CHECK(step({2, 1, 3}, {2, 1, 3}, {2, 1, 4}, tensor::ones({1, 3, 5})) ==
        "linear_attention_step: q is (2, 1, 3), v (2, 1, 4), the state (1, 3, 5); need a state "
        "(..., D, Dv + 1) = (2, 3, 5)");
}

TEST_CASE("the cost of running sums grows like the length and that of weights like its square") {
  const Cost at_512 = cost(512, false), at_1024 = cost(1024, false);
  CHECK(at_1024.nodes == at_512.nodes);
  CHECK(at_1024.numbers == 2 * at_512.numbers);
  CHECK(static_cast<double>(at_1024.bytes) <= 2.1 * static_cast<double>(at_512.bytes));
  const Cost weights_128 = cost(128, true), weights_256 = cost(256, true);
  CHECK(static_cast<double>(weights_256.numbers) >= 3.5 * static_cast<double>(weights_128.numbers));
  CHECK(static_cast<double>(weights_256.bytes) >= 3.5 * static_cast<double>(weights_128.bytes));
}
