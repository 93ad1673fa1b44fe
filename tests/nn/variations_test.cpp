// Variations of attention: what each is by definition, and what becomes of it at its ends.
// Next: variations_masks_test.cpp, what all of them promise.
#include "nn/variations.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/dependency.h"
#include "autograd/engine.h"
#include "autograd/ops.h"
#include "tests/check_gradients.h"
#include "tests/compare.h"
#include "tests/normal.h"

using namespace qkv;
using namespace qkv::nn;
using qkv::tests::check_gradients;
using qkv::tests::normal;
using qkv::tests::refusal;
using qkv::tests::relative_error;

namespace {

using Numbers = std::vector<double>;

Numbers numbers(const Variable& x) { return x.value().to_vector(); }

}  // namespace

// ---- grouped queries ----------------------------------------------------------------------------

TEST_CASE("grouped queries are heads that share keys and values") {
  const Variable Q = normal({2, 6, 3, 4}, 1), K = normal({2, 2, 5, 4}, 2);
  const Variable V = normal({2, 2, 5, 3}, 3);
  const Mask mask = Mask::causal(3, 5) & Mask::padding({5, 3}, 5);
  const auto [y, weights] = grouped_query_attention(Q, K, V, mask);
  CHECK(y.shape() == Shape{2, 6, 3, 3});
  CHECK(weights.shape() == Shape{2, 6, 3, 5});
  for (int64_t h = 0; h < 6; ++h) {
    const int64_t g = h / 3;
    const auto head = scaled_dot_product_attention(slice(Q, 1, h, h + 1), slice(K, 1, g, g + 1),
                                                   slice(V, 1, g, g + 1), mask);
    CHECK(numbers(slice(y, 1, h, h + 1)) == numbers(head.output));
    CHECK(numbers(slice(weights, 1, h, h + 1)) == numbers(head.weights));
  }
  const auto fused = grouped_query_attention(Q, K, V, mask, false);
  CHECK_FALSE(fused.weights.defined());
  CHECK(relative_error(fused.output.value(), y.value()) <= 1e-14);
}

TEST_CASE("as many groups as heads is multi-head and one group is multi-query") {
  const Variable Q = normal({2, 4, 3, 5}, 1), K = normal({2, 4, 3, 5}, 2);
  const Variable V = normal({2, 4, 3, 5}, 3);
  CHECK(numbers(grouped_query_attention(Q, K, V).output) ==
        numbers(scaled_dot_product_attention(Q, K, V).output));
  const Variable k = slice(K, 1, 0, 1), v = slice(V, 1, 0, 1);
  CHECK(numbers(grouped_query_attention(Q, k, v).output) ==
        numbers(scaled_dot_product_attention(Q, k, v).output));
}

TEST_CASE("the gradients of grouped queries are right with and without weights") {
  for (const bool need_weights : {true, false}) {
    check_gradients(
        "grouped_query_attention",
        [=](const std::vector<Variable>& x) {
          return grouped_query_attention(x[0], x[1], x[2], Mask::causal(3, 4), need_weights).output;
        },
        {normal({1, 4, 3, 2}, 1), normal({1, 2, 4, 2}, 2), normal({1, 2, 4, 3}, 3)});
  }
}

TEST_CASE("grouped queries refuse heads that the groups do not divide") {
  const Variable Q = normal({1, 6, 2, 2}, 1), K = normal({1, 4, 2, 2}, 2);
  CHECK(refusal([&] { return grouped_query_attention(Q, K, K); }) ==
        "grouped_query_attention: Q is (1, 6, 2, 2), K (1, 4, 2, 2), V (1, 4, 2, 2); need "
        "(B, H, Tq, D), (B, G, Tk, D), (B, G, Tk, Dv), and G must divide H");
  const Variable V = normal({1, 3, 2, 2}, 2), flat = normal({6, 2, 2}, 3);
  CHECK(refusal([&] { return grouped_query_attention(Q, V, K); }) != "not refused");
  CHECK(refusal([&] { return grouped_query_attention(flat, V, V); }) != "not refused");
}

// ---- windows ------------------------------------------------------------------------------------

TEST_CASE("layers of windows look further back than one") {
  const Variable x = autograd::parameter(normal({6, 3}, 1));
  const Mask window = Mask::window(6, 6, 3);
  const auto layer = [&](const Variable& in) {
    return scaled_dot_product_attention(in, in, in, window, false).output;
  };
  CHECK(autograd::dependency(layer(x), x).str() == window.str());
  CHECK(autograd::dependency(layer(layer(x)), x).str() == Mask::window(6, 6, 5).str());
}

// ---- soft cap -----------------------------------------------------------------------------------

TEST_CASE("a soft cap far above the scores changes nothing and a low one evens the weights") {
  const Variable Q = normal({2, 3, 4}, 1), K = normal({2, 5, 4}, 2), V = normal({2, 5, 2}, 3);
  const auto plain = scaled_dot_product_attention(Q, K, V);
  CHECK(relative_error(soft_capped_attention(Q, K, V, 1e6).weights.value(),
                       plain.weights.value()) <= 1e-9);
  const Variable steep = Q * 1000.0;
  for (const double w : numbers(soft_capped_attention(steep, K, V, 0.1).weights)) {
    CHECK(w >= std::exp(-0.2) / 5);
    CHECK(w <= std::exp(0.2) / 5);
  }
}

TEST_CASE("caps and bandwidths that are no positive number are refused") {
  const Variable x = normal({2, 3}, 1);
  for (const double bad : {0.0, -1.0, std::nan(""), HUGE_VAL}) {
    CHECK(refusal([&] {
            return soft_capped_attention(x, x, x, bad);
          }).starts_with("soft_capped_attention: cap is "));
    CHECK(refusal([&] {
            return kernel_attention(x, x, x, bad);
          }).starts_with("kernel_attention: bandwidth is "));
  }
}

// ---- sinks --------------------------------------------------------------------------------------

TEST_CASE("a sink takes its share of every row by the formula") {
  const Variable Q = normal({1, 2, 3, 4}, 1), K = normal({1, 2, 5, 4}, 2);
  const Variable V = normal({1, 2, 5, 2}, 3), sink = normal({2}, 4);
  const Tensor scores = attention_scores(Q, K).value();
  for (const bool learned : {false, true}) {
    const auto [y, weights] = sink_attention(Q, K, V, learned ? sink : Variable());
    for (int64_t h = 0; h < 2; ++h) {
      for (int64_t q = 0; q < 3; ++q) {
        double total = std::exp(learned ? sink.value().at({h}) : 0);
        for (int64_t k = 0; k < 5; ++k) total += std::exp(scores.at({0, h, q, k}));
        for (int64_t k = 0; k < 5; ++k) {
          const double w = std::exp(scores.at({0, h, q, k})) / total;
          CHECK(std::abs(weights.value().at({0, h, q, k}) - w) <= 1e-15);
        }
      }
    }
    CHECK(numbers(y) == numbers(matmul(weights, V)));
  }
}

TEST_CASE("a sink far below the scores is plain attention and far above takes all") {
  const Variable Q = normal({1, 1, 3, 4}, 1), K = normal({1, 1, 5, 4}, 2),
                 V = normal({1, 1, 5, 2}, 3);
  const auto sink = [&](double logit) {
    return sink_attention(Q, K, V, tensor::full({1}, logit, Dtype::float64)).output.value();
  };
  CHECK(relative_error(sink(-800), scaled_dot_product_attention(Q, K, V).output.value()) <= 1e-14);
  CHECK(relative_error(sink(800), tensor::zeros({1, 1, 3, 2}, Dtype::float64)) <= 1e-300);
}

TEST_CASE(
    "the gradient of a learned sink is right to the second order and its shape is asked for") {
  check_gradients(
      "sink_attention",
      [](const std::vector<Variable>& x) {
        return sink_attention(x[0], x[1], x[2], x[3], Mask::causal(3)).output;
      },
      {normal({1, 2, 3, 2}, 1), normal({1, 2, 3, 2}, 2), normal({1, 2, 3, 2}, 3), normal({2}, 4)});
  const Variable x = normal({1, 2, 3, 4}, 1), three = normal({3}, 2);
  CHECK(
      refusal([&] { return sink_attention(x, x, x, three); }) ==
      "sink_attention: sink is (3,), the scores are (1, 2, 3, 3); need a logit for each head, (H) "
      "for (B, H, Tq, Tk)");
}

// ---- hard ---------------------------------------------------------------------------------------

TEST_CASE("hard attention takes the value of the best allowed key and of equal ones the first") {
  const Variable Q = Tensor::of<double>({1, 0, 0, 1, 1, 1}, {3, 2});
  const Variable K = Tensor::of<double>({2, 0, 0, 3, 3, 0}, {3, 2});
  const Variable V = Tensor::of<double>({10, 20, 30}, {3, 1});
  const auto [y, weights] = hard_attention(Q, K, V);
  CHECK(numbers(weights) == Numbers{0, 0, 1, 0, 1, 0, 0, 1, 0});
  CHECK(numbers(y) == Numbers{30, 20, 20});
  CHECK(numbers(hard_attention(Q, K, V, Mask::causal(3)).output) == Numbers{10, 20, 20});
}

TEST_CASE("hard attention is what softmax tends to and gives gradients to values only") {
  const Variable Q = autograd::parameter(normal({3, 4}, 1));
  const Variable K = autograd::parameter(normal({5, 4}, 2));
  const Variable V = autograd::parameter(normal({5, 2}, 3));
  const auto hard = hard_attention(Q, K, V);
  const auto steep = scaled_dot_product_attention(Q, K, V, {}, true, 1e4);
  CHECK(relative_error(steep.weights.value(), hard.weights.value()) <= 1e-12);
  CHECK_FALSE(hard.weights.requires_grad());
  const auto [dQ, dK, dV] = [&] {
    const auto g = autograd::grad({hard.output}, {Q, K, V}, {normal({3, 2}, 4)});
    return std::tuple(g[0], g[1], g[2]);
  }();
  CHECK(numbers(dQ) == Numbers(12, 0.0));
  CHECK(numbers(dK) == Numbers(20, 0.0));
  CHECK(numbers(dV) == numbers(matmul(transpose(hard.weights), normal({3, 2}, 4))));
}

TEST_CASE("at a tie hard attention jumps and the gradient check says so") {
  const Tensor Q = Tensor::of<double>({1, 1}, {1, 2}), V = Tensor::of<double>({1, 5}, {2, 1});
  const Tensor tie = Tensor::of<double>({2, 3, 3, 2}, {2, 2});
  const auto report = autograd::grad_check(
      "hard_attention",
      [](const std::vector<Variable>& x) { return hard_attention(x[0], x[1], x[2]).output; },
      {Q, tie, V});
  CHECK_FALSE(report.passed);
  CHECK(report.jumps.size() == 6);  // each number of Q and K breaks the tie
}

// ---- kernel -------------------------------------------------------------------------------------

TEST_CASE("kernel attention is Nadaraya and Watson's average by plain loops") {
  const Tensor Q = normal({4, 3}, 1), K = normal({5, 3}, 2), V = normal({5, 2}, 3);
  const double h = 0.7;
  const auto [y, weights] = kernel_attention(Q, K, V, h);
  for (int64_t q = 0; q < 4; ++q) {
    Numbers near;
    double total = 0;
    for (int64_t k = 0; k < 5; ++k) {
      double distance = 0;
      for (int64_t d = 0; d < 3; ++d) distance += std::pow((Q.at({q, d}) - K.at({k, d})) / h, 2);
      near.push_back(std::exp(-distance / 2));
      total += near.back();
    }
    for (int64_t k = 0; k < 5; ++k) {
      const double w = near[static_cast<size_t>(k)] / total;
      CHECK(std::abs(weights.value().at({q, k}) - w) <= 1e-14);
    }
  }
}

TEST_CASE("for keys of one length the kernel is scaled dot-product attention") {
  const Variable Q = normal({4, 2}, 1), V = normal({3, 2}, 3);
  const Variable K = Tensor::of<double>({3, 4, 5, 0, -4, 3}, {3, 2});  // all of length 5
  CHECK(relative_error(kernel_attention(Q, K, V, 2).output.value(),
                       scaled_dot_product_attention(Q, K, V, {}, true, 0.25).output.value()) <=
        1e-14);
}
