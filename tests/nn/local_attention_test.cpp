// Local attention: against its formulas by loops, what the window and the masks keep out, and that
// S is each sequence's own length.
#include "nn/local_attention.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/dependency.h"
#include "autograd/engine.h"
#include "autograd/ops.h"
#include "lib/text.h"
#include "tests/check_gradients.h"
#include "tests/compare.h"
#include "tests/normal.h"

using namespace qkv;
using namespace qkv::nn;
using qkv::tests::normal;
using qkv::tests::refusal;

namespace {

using Numbers = std::vector<double>;

constexpr int64_t kQuery = 3, kKey = 4, kHidden = 5;

Numbers numbers(const Variable& x) { return x.value().to_vector(); }

std::unique_ptr<LocalAttention> local(int64_t window, Dtype dtype = Dtype::float64) {
  lib::Generator g(3);
  auto attention = std::make_unique<LocalAttention>(kQuery, kKey, kHidden, window, g);
  attention->to(dtype);
  return attention;
}

// v_pᵀ tanh(W_p q), for the query at q.
double place(const LocalAttention& a, const Tensor& queries, int64_t b, int64_t t) {
  double score = 0;
  for (int64_t i = 0; i < kHidden; ++i) {
    double hidden = 0;
    for (int64_t c = 0; c < kQuery; ++c) {
      hidden += a.position_weight.value().at({i, c}) * queries.at({b, t, c});
    }
    score += a.position_v.value().at({i}) * std::tanh(hidden);
  }
  return score;
}

// qᵀ W k.
double match(const LocalAttention& a, const Tensor& queries, int64_t t, const Tensor& keys,
             int64_t b, int64_t s) {
  double score = 0;
  for (int64_t i = 0; i < kQuery; ++i) {
    for (int64_t j = 0; j < kKey; ++j) {
      score += queries.at({b, t, i}) * a.weight.value().at({i, j}) * keys.at({b, s, j});
    }
  }
  return score;
}

}  // namespace

TEST_CASE("local attention gives the weights of its formulas") {
  const std::vector<int64_t> lengths = {7, 4};
  const Tensor queries = normal({2, 3, kQuery}, 1), keys = normal({2, 7, kKey}, 2),
               values = normal({2, 7, 2}, 3);
  for (const int64_t D : {1, 2, 10}) {
    const auto attention = local(D);
    const auto [output, weights] =
        attention->forward(queries, keys, values, Mask::padding(lengths, 7));
    for (int64_t b = 0; b < 2; ++b) {
      const int64_t S = lengths[static_cast<size_t>(b)];
      for (int64_t t = 0; t < 3; ++t) {
        const double p = static_cast<double>(S) / (1 + std::exp(-place(*attention, queries, b, t)));
        Numbers wanted(7, 0.0);
        double total = 0;
        for (int64_t s = 0; s < S; ++s) {
          if (std::abs(static_cast<double>(s) - p) > static_cast<double>(D)) continue;
          wanted[static_cast<size_t>(s)] = std::exp(match(*attention, queries, t, keys, b, s));
          total += wanted[static_cast<size_t>(s)];
        }
        const double sigma = static_cast<double>(D) / 2;
        for (int64_t s = 0; s < 7; ++s) {
          const double away = static_cast<double>(s) - p;
          const double weight =
              wanted[static_cast<size_t>(s)] / total * std::exp(-away * away / (2 * sigma * sigma));
          CHECK(std::abs(weights.value().at({b, t, s}) - weight) <= 1e-15);
        }
      }
    }
  }
}

TEST_CASE("local attention starts in the middle of each sequence where its place is not learnt") {
  const auto attention = local(2);
  attention->position_v = Variable(tensor::zeros({kHidden}, Dtype::float64));
  const Variable queries = normal({2, 3, kQuery}, 1);
  const Tensor lengths = Tensor::of<double>({7, 4}, {2, 1});
  CHECK(numbers(attention->centre(queries, lengths)) == Numbers{3.5, 3.5, 3.5, 2, 2, 2});
}

TEST_CASE("local attention sees nothing outside its window and weighs less than 1 inside") {
  const auto attention = local(1);
  const Variable queries = autograd::parameter(normal({1, 3, kQuery}, 1)),
                 keys = autograd::parameter(normal({1, 7, kKey}, 2)),
                 values = autograd::parameter(normal({1, 7, 2}, 3));
  attention->position_v = Variable(tensor::zeros({kHidden}, Dtype::float64));  // p = 3.5
  const auto [output, weights] = attention->forward(queries, keys, values);
  const std::string window = ". . . # # . .\n. . . # # . .\n. . . # # . .\n";
  CHECK(autograd::dependency(output, values).str() == window);
  CHECK(autograd::dependency(output, keys).str() == window);
  for (const double total : numbers(sum(weights, {-1}))) {
    CHECK(std::abs(total - std::exp(-0.5)) <= 1e-15);  // both are half a place away; σ is a half
  }
}

TEST_CASE("the place that local attention looks at is learnt through the bell") {
  const auto attention = local(2);
  const Tensor queries = normal({2, 3, kQuery}, 1), keys = normal({2, 7, kKey}, 2);
  const Variable output = attention->forward(queries, keys, keys).output;
  const auto grads = autograd::grad({output}, {attention->position_weight, attention->position_v},
                                    {Variable(normal({2, 3, kKey}, 4))});
  for (const Variable& g : grads) {
    for (const double slope : numbers(g)) CHECK(slope != 0);
  }
}

TEST_CASE("local attention gives the same bits for many queries at once and in a padded batch") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    const auto attention = local(2, dtype);
    const Variable queries = normal({2, 3, kQuery}, 1, dtype),
                   keys = normal({2, 6, kKey}, 2, dtype), values = normal({2, 6, 5}, 3, dtype);
    const auto all = attention->forward(queries, keys, values, Mask::padding({6, 4}, 6));
    const auto alone =
        attention->forward(slice(queries, 0, 1, 2), slice(slice(keys, 0, 1, 2), 1, 0, 4),
                           slice(slice(values, 0, 1, 2), 1, 0, 4));
    const Variable weights = slice(all.weights, 0, 1, 2);
    CHECK(numbers(slice(weights, 2, 4, 6)) == Numbers(6, 0.0));
    CHECK(numbers(slice(weights, 2, 0, 4)) == numbers(alone.weights));
    CHECK(numbers(slice(all.output, 0, 1, 2)) == numbers(alone.output));
    const AttentionMemory memory = attention->remember(keys, values, Mask::padding({6, 4}, 6));
    for (int64_t t = 0; t < 3; ++t) {
      const auto one = attention->attend(select(queries, 1, t), memory);
      CHECK(numbers(one.output) == numbers(slice(all.output, 1, t, t + 1)));
      CHECK(numbers(one.weights) == numbers(slice(all.weights, 1, t, t + 1)));
    }
  }
}

TEST_CASE("a query that may attend to nothing gets zeros of local attention") {
  const auto attention = local(2);
  const Variable query = autograd::parameter(normal({2, kQuery}, 1)),
                 keys = autograd::parameter(normal({2, 4, kKey}, 2));
  const auto [output, weights] = attention->forward(query, keys, keys, Mask::padding({0, 3}, 4));
  CHECK(numbers(slice(output, 0, 0, 1)) == Numbers(kKey, 0.0));
  CHECK(numbers(slice(weights, 0, 0, 1)) == Numbers(4, 0.0));
  const auto grads = autograd::grad({output}, {query, keys}, {Variable(normal({2, kKey}, 4))});
  CHECK(numbers(slice(grads[0], 0, 0, 1)) == Numbers(kQuery, 0.0));
  CHECK(numbers(slice(grads[1], 0, 0, 1)) == Numbers(4 * kKey, 0.0));
  for (const double v : numbers(grads[1])) CHECK(std::isfinite(v));
}

TEST_CASE("local attention passes the gradient check under every mask") {
  const auto attention = local(2);
  const auto named = attention->named_parameters();
  for (const Mask& mask : {Mask(), Mask::padding({2, 5}, 5), Mask::causal(2, 5)}) {
    std::vector<Tensor> inputs = {normal({2, 2, kQuery}, 1), normal({2, 5, kKey}, 2),
                                  normal({2, 5, 2}, 3)};
    for (const Variable& p : attention->parameters()) inputs.push_back(p.value());
    const auto function = [&](const std::vector<Variable>& in) {
      for (size_t i = 0; i < named.size(); ++i) *named[i].parameter = in[i + 3];
      const auto [output, weights] = attention->forward(in[0], in[1], in[2], mask);
      return autograd::concat({reshape(output, {-1}), reshape(weights, {-1})}, 0);
    };
    tests::check_gradients("local attention", function, inputs);
  }
}

TEST_CASE("local attention names its parameters and refuses sizes below 1") {
  const auto attention = local(2);
  std::string list;
  for (const auto& [name, p] : attention->named_parameters()) {
    list += lib::str(name, " ", p->shape(), "  ");
  }
  CHECK(list == "weight (3, 4)  position_weight (5, 3)  position_v (5,)  ");
  lib::Generator g(1);
  CHECK(refusal([&] { LocalAttention(3, 3, 3, 0, g); }) ==
        "LocalAttention: window is 0; need at least 1");
  CHECK(refusal([&] { LocalAttention(3, 0, 3, 1, g); }) ==
        "LocalAttention: key width is 0; need at least 1");
  CHECK(refusal([&] {
          return local(2)->forward(tensor::ones({2, 3}), tensor::ones({2, 4, 3}),
                                   tensor::ones({2, 4, 3}));
        }) == "LocalAttention: keys are (2, 4, 3), values (2, 4, 3); need key width 4");
}
