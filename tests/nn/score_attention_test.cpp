// The five score functions: against numbers worked out by hand, against each other where one is a
// special case of another, and what masks keep out.
#include "nn/score_attention.h"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "lib/text.h"
#include "tensor/views.h"
#include "tests/check_gradients.h"
#include "tests/compare.h"
#include "tests/normal.h"

using namespace qkv;
using namespace qkv::nn;
using qkv::tests::normal;
using qkv::tests::refusal;
using qkv::tests::relative_error;

namespace {

using Numbers = std::vector<double>;

constexpr int64_t kQuery = 3, kKey = 4, kHidden = 5;  // widths of the kinds that have parameters

Numbers numbers(const Variable& x) { return x.value().to_vector(); }

// One of each kind, for queries and keys of those widths.
std::vector<std::unique_ptr<Attention>> every_kind(int64_t query_width, int64_t key_width,
                                                   Dtype dtype = Dtype::float64) {
  lib::Generator g(3);
  std::vector<std::unique_ptr<Attention>> kinds;
  if (query_width == key_width) {
    kinds.push_back(std::make_unique<DotAttention>());
    kinds.push_back(std::make_unique<ScaledDotAttention>());
  }
  kinds.push_back(std::make_unique<GeneralAttention>(query_width, key_width, g));
  kinds.push_back(std::make_unique<ConcatAttention>(query_width, key_width, kHidden, g));
  kinds.push_back(std::make_unique<AdditiveAttention>(query_width, key_width, kHidden, g));
  for (const auto& kind : kinds) kind->to(dtype);
  return kinds;
}

// softmax of a few scores, by the definition.
Numbers softmax_of(const Numbers& scores) {
  Numbers weights;
  double total = 0;
  for (const double s : scores) total += std::exp(s);
  for (const double s : scores) weights.push_back(std::exp(s) / total);
  return weights;
}

}  // namespace

TEST_CASE("each score function gives the weights of its formula") {
  lib::Generator g(1);
  const Tensor query = Tensor::of<double>({1, 2}, {1, 2});
  const Tensor keys = Tensor::of<double>({3, -1, 0.5, 0.25}, {1, 2, 2});
  const Tensor values = Tensor::of<double>({1, 0, 0, 0, 1, 0}, {1, 2, 3});
  const auto weights_of = [&](Attention& attention) {
    const auto [output, weights] = attention.forward(query, keys, values);
    CHECK(weights.shape() == Shape{1, 2});
    CHECK(output.shape() == Shape{1, 3});
    const Numbers w = numbers(weights);
    CHECK(numbers(output) == Numbers{w[0], w[1], 0});
    return w;
  };
  DotAttention dot;
  CHECK(relative_error(weights_of(dot), softmax_of({3 - 2, 0.5 + 0.5})) <= 1e-15);
  ScaledDotAttention scaled;
  CHECK(relative_error(weights_of(scaled), softmax_of({1 / std::sqrt(2), 1 / std::sqrt(2)})) <=
        1e-15);

  GeneralAttention general(2, 2, g);  // qᵀ W = (1 + 6, 2 + 8) = (7, 10)
  general.weight = Tensor::of<double>({1, 2, 3, 4}, {2, 2});
  CHECK(relative_error(weights_of(general), softmax_of({21 - 10, 3.5 + 2.5})) <= 1e-15);

  ConcatAttention concatenated(2, 2, 1, g);  // W [q; k] = 1 - 2 + 0.5 k_0 + 2 k_1
  concatenated.weight = Tensor::of<double>({1, -1, 0.5, 2}, {1, 4});
  concatenated.v = Tensor::of<double>({3}, {1});
  CHECK(relative_error(weights_of(concatenated),
                       softmax_of({3 * std::tanh(-1.5), 3 * std::tanh(-0.25)})) <= 1e-15);

  AdditiveAttention additive(2, 2, 2, g);  // W_q q = (3, -1), W_k k = (k_0, k_1)
  additive.query_weight = Tensor::of<double>({1, 1, 1, -1}, {2, 2});
  additive.key_weight = Tensor::of<double>({1, 0, 0, 1}, {2, 2});
  additive.v = Tensor::of<double>({2, -1}, {2});
  CHECK(relative_error(weights_of(additive), softmax_of({2 * std::tanh(6) - std::tanh(-2),
                                                         2 * std::tanh(3.5) - std::tanh(-0.75)})) <=
        1e-15);
}

TEST_CASE("weights sum to 1 and the context is the average that they weigh") {
  const Tensor query = normal({2, kQuery}, 1), keys = normal({2, 6, kKey}, 2),
               values = normal({2, 6, 5}, 3);
  for (const auto& attention : every_kind(kQuery, kKey)) {
    const auto [output, weights] = attention->forward(query, keys, values);
    REQUIRE(weights.shape() == Shape{2, 6});
    REQUIRE(output.shape() == Shape{2, 5});
    for (const double total : numbers(sum(weights, {-1}))) CHECK(std::abs(total - 1) <= 1e-15);
    for (int64_t b = 0; b < 2; ++b) {
      for (int64_t c = 0; c < 5; ++c) {
        double average = 0;
        for (int64_t t = 0; t < 6; ++t)
          average += weights.value().at({b, t}) * values.at({b, t, c});
        CHECK(std::abs(output.value().at({b, c}) - average) <= 1e-14);
      }
    }
  }
}

TEST_CASE("scaled dot is dot divided by the root of the width") {
  const Tensor query = normal({2, 7}, 1), keys = normal({2, 5, 7}, 2),
               values = normal({2, 5, 3}, 3);
  const auto scaled = ScaledDotAttention().forward(query, keys, values);
  const auto dot = DotAttention().forward(Variable(query) / std::sqrt(7), keys, values);
  CHECK(relative_error(scaled.weights.value(), dot.weights.value()) <= 1e-15);
  const auto rows = scaled_dot_product_attention(reshape(query, {2, 1, 7}), keys, values);
  CHECK(numbers(scaled.output) == numbers(rows.output));
}

TEST_CASE("general with the identity is dot") {
  lib::Generator g(1);
  GeneralAttention general(3, 3, g);
  general.weight = Tensor::of<double>({1, 0, 0, 0, 1, 0, 0, 0, 1}, {3, 3});
  const Tensor query = normal({2, 3}, 1), keys = normal({2, 5, 3}, 2),
               values = normal({2, 5, 4}, 3);
  const auto a = general.forward(query, keys, values);
  const auto b = DotAttention().forward(query, keys, values);
  CHECK(numbers(a.weights) == numbers(b.weights));
  CHECK(numbers(a.output) == numbers(b.output));
}

TEST_CASE("concat with both weights side by side is additive") {
  lib::Generator g(1);
  AdditiveAttention additive(kQuery, kKey, kHidden, g);
  ConcatAttention concatenated(kQuery, kKey, kHidden, g);
  additive.to(Dtype::float64);
  concatenated.weight = autograd::concat({additive.query_weight, additive.key_weight}, 1);
  concatenated.v = additive.v;
  const Tensor query = normal({2, 2, kQuery}, 1), keys = normal({2, 5, kKey}, 2),
               values = normal({2, 5, 4}, 3);
  const auto a = additive.forward(query, keys, values);
  const auto b = concatenated.forward(query, keys, values);
  CHECK(relative_error(b.weights.value(), a.weights.value()) <= 1e-15);
}

TEST_CASE("many queries at once are each query by itself to the bit") {
  const Variable queries = normal({2, 3, kQuery}, 1);
  const Tensor keys = normal({2, 5, kKey}, 2), values = normal({2, 5, 4}, 3);
  for (const auto& attention : every_kind(kQuery, kKey)) {
    const auto all = attention->forward(queries, keys, values);
    REQUIRE(all.output.shape() == Shape{2, 3, 4});
    REQUIRE(all.weights.shape() == Shape{2, 3, 5});
    for (int64_t t = 0; t < 3; ++t) {
      const auto one = attention->forward(select(queries, 1, t), keys, values);
      CHECK(numbers(one.output) == numbers(slice(all.output, 1, t, t + 1)));
      CHECK(numbers(one.weights) == numbers(slice(all.weights, 1, t, t + 1)));
    }
  }
}

TEST_CASE("padded keys weigh nothing and a sequence alone equals itself in a padded batch") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    const Variable query = normal({2, kQuery}, 1, dtype), keys = normal({2, 6, kKey}, 2, dtype),
                   values = normal({2, 6, 5}, 3, dtype);
    for (const auto& attention : every_kind(kQuery, kKey, dtype)) {
      const auto batch = attention->forward(query, keys, values, Mask::padding({6, 4}, 6));
      const auto alone =
          attention->forward(slice(query, 0, 1, 2), slice(slice(keys, 0, 1, 2), 1, 0, 4),
                             slice(slice(values, 0, 1, 2), 1, 0, 4));
      const Variable weights = slice(batch.weights, 0, 1, 2);
      CHECK(numbers(slice(weights, 1, 4, 6)) == Numbers{0, 0});
      CHECK(numbers(slice(weights, 1, 0, 4)) == numbers(alone.weights));
      CHECK(numbers(slice(batch.output, 0, 1, 2)) == numbers(alone.output));
    }
  }
}

TEST_CASE("padding gets no gradient and a query without keys gives zeros only") {
  for (const auto& attention : every_kind(kQuery, kKey)) {
    const Variable query = autograd::parameter(normal({2, kQuery}, 1)),
                   keys = autograd::parameter(normal({2, 4, kKey}, 2)),
                   values = autograd::parameter(normal({2, 4, 5}, 3));
    const auto [output, weights] =
        attention->forward(query, keys, values, Mask::padding({0, 3}, 4));
    CHECK(numbers(slice(output, 0, 0, 1)) == Numbers(5, 0.0));
    CHECK(numbers(slice(weights, 0, 0, 1)) == Numbers(4, 0.0));
    std::vector<Variable> inputs = {query, keys, values};
    for (const Variable& p : attention->parameters()) inputs.push_back(p);
    const auto grads = autograd::grad({output, weights}, inputs,
                                      {Variable(normal({2, 5}, 4)), Variable(normal({2, 4}, 5))});
    for (const Variable& g : grads) {
      for (const double v : numbers(g)) CHECK(std::isfinite(v));
    }
    CHECK(numbers(slice(grads[0], 0, 0, 1)) == Numbers(kQuery, 0.0));
    for (const size_t i : {1u, 2u}) {
      for (const double v : numbers(slice(grads[i], 0, 0, 1))) CHECK(v == 0);
      for (const double v : numbers(slice(slice(grads[i], 0, 1, 2), 1, 3, 4))) CHECK(v == 0);
      for (const double v : numbers(slice(slice(grads[i], 0, 1, 2), 1, 0, 3))) CHECK(v != 0);
    }
  }
}

TEST_CASE("a mask may say for every query which keys it sees") {
  const Tensor queries = normal({2, 3, 4}, 1), keys = normal({2, 5, 4}, 2),
               values = normal({2, 5, 2}, 3);
  for (const auto& attention : every_kind(4, 4)) {
    const auto [output, weights] = attention->forward(queries, keys, values, Mask::causal(3, 5));
    for (int64_t q = 0; q < 3; ++q) {
      for (int64_t k = 0; k < 5; ++k) CHECK((weights.value().at({1, q, k}) == 0) == (k > q + 2));
    }
  }
}

TEST_CASE("every score function passes the gradient check in its inputs and parameters") {
  for (const Mask& mask : {Mask(), Mask::padding({2, 4}, 4)}) {
    for (const auto& attention : every_kind(3, 3)) {
      const auto named = attention->named_parameters();
      std::vector<Tensor> inputs = {normal({2, 2, 3}, 1), normal({2, 4, 3}, 2),
                                    normal({2, 4, 2}, 3)};
      for (const Variable& p : attention->parameters()) inputs.push_back(p.value());
      const auto function = [&](const std::vector<Variable>& in) {
        for (size_t i = 0; i < named.size(); ++i) *named[i].parameter = in[i + 3];
        const auto [output, weights] = attention->forward(in[0], in[1], in[2], mask);
        return autograd::concat({reshape(output, {-1}), reshape(weights, {-1})}, 0);
      };
      tests::check_gradients("score attention", function, inputs);
    }
  }
}

TEST_CASE("parameters have the names and shapes of the formulas") {
  std::string list;
  for (const auto& attention : every_kind(kQuery, kKey)) {
    for (const auto& [name, p] : attention->named_parameters()) {
      list += lib::str(name, " ", p->shape(), "  ");
    }
  }
  CHECK(list ==
        "weight (3, 4)  weight (5, 7)  v (5,)  query_weight (5, 3)  key_weight (5, 4)  v (5,)  ");
}

TEST_CASE("score functions refuse what does not fit in one sentence") {
  lib::Generator g(1);
  const auto attend = [](const Attention& attention, const Shape& q, const Shape& k,
                         const Shape& v) {
    return refusal(
        [&] { return attention.forward(tensor::ones(q), tensor::ones(k), tensor::ones(v)); });
  };
  const DotAttention dot;
  CHECK(attend(dot, {3}, {2, 4, 3}, {2, 4, 3}) ==
        "DotAttention: query is (3,), keys are (2, 4, 3); need (B, Cq) or (B, Tq, Cq)");
  CHECK(attend(dot, {2, 3}, {4, 3}, {2, 4, 3}) ==
        "DotAttention: keys are (4, 3), values (2, 4, 3); need (B, T, Ck) and (B, T, Cv)");
  CHECK(attend(dot, {2, 3}, {2, 4, 3}, {1, 4, 3}) ==
        "DotAttention: keys are (2, 4, 3), values (1, 4, 3); both need the same batch B");
  CHECK(attend(dot, {1, 3}, {2, 4, 3}, {2, 4, 3}) ==
        "DotAttention: query is (1, 3), keys are (2, 4, 3); both need the same batch B");
  CHECK(attend(dot, {2, 3}, {2, 4, 3}, {2, 5, 3}) ==
        "DotAttention: keys are (2, 4, 3), values (2, 5, 3); every key needs one value (second "
        "axis)");
  CHECK(attend(ScaledDotAttention(), {2, 3}, {2, 4, 5}, {2, 4, 3}) ==
        "ScaledDotAttention: query is (2, 3), keys are (2, 4, 5); queries and keys need the same "
        "width (last axis)");
  CHECK(attend(AdditiveAttention(3, 4, 5, g), {2, 3}, {2, 4, 3}, {2, 4, 3}) ==
        "AdditiveAttention: keys are (2, 4, 3), values (2, 4, 3); need key width 4");
  CHECK(attend(AdditiveAttention(3, 4, 5, g), {2, 4}, {2, 4, 4}, {2, 4, 3}) ==
        "AdditiveAttention: query is (2, 4), keys are (2, 4, 4); need query width 3");
  CHECK(refusal([&] {
          const Tensor keys = tensor::ones({2, 4, 3});
          return dot.forward(tensor::ones({2, 3}), keys, keys, Mask::padding({1, 2}, 5));
        }) != "not refused");
  CHECK(refusal([&] { GeneralAttention(0, 3, g); }) ==
        "GeneralAttention: query width is 0; need at least 1");
  CHECK(refusal([&] { ConcatAttention(3, -1, 3, g); }) ==
        "ConcatAttention: key width is -1; need at least 1");
  CHECK(refusal([&] { AdditiveAttention(3, 3, 0, g); }) ==
        "AdditiveAttention: hidden is 0; need at least 1");
}
