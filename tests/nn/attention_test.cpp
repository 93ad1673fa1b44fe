// Attention against three plain loops; what it must not depend on; what masks keep out, to the bit.
// Next: multi_head_test.cpp.
#include "nn/attention.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "tensor/index.h"
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

Numbers numbers(const Variable& x) { return x.value().to_vector(); }
double number(const Variable& x, std::initializer_list<int64_t> index) {
  return x.value().at(index);
}

// The weights of one head by the definition: rows (Tq, Tk), one after the other.
Numbers weights_by_loops(const Tensor& Q, const Tensor& K, const Tensor& allowed) {
  const int64_t Tq = Q.shape()[0], Tk = K.shape()[0], D = Q.shape()[1];
  Numbers weights;
  for (int64_t q = 0; q < Tq; ++q) {
    Numbers row;
    double total = 0;
    for (int64_t k = 0; k < Tk; ++k) {
      double score = 0;
      for (int64_t d = 0; d < D; ++d) score += Q.at({q, d}) * K.at({k, d});
      const bool may = !allowed.defined() || allowed.at({q, k}) != 0;
      row.push_back(may ? std::exp(score / std::sqrt(static_cast<double>(D))) : 0);
      total += row.back();
    }
    for (const double e : row) weights.push_back(e / total);
  }
  return weights;
}

Numbers output_by_loops(const Numbers& weights, const Tensor& V) {
  const int64_t Tk = V.shape()[0], D = V.shape()[1];
  const int64_t Tq = static_cast<int64_t>(weights.size()) / Tk;
  Numbers output;
  for (int64_t q = 0; q < Tq; ++q) {
    for (int64_t d = 0; d < D; ++d) {
      double total = 0;
      for (int64_t k = 0; k < Tk; ++k)
        total += weights[static_cast<size_t>(q * Tk + k)] * V.at({k, d});
      output.push_back(total);
    }
  }
  return output;
}

}  // namespace

TEST_CASE("attention equals the definition by plain loops") {
  const Tensor Q = normal({4, 3}, 1), K = normal({4, 3}, 2), V = normal({4, 5}, 3);
  for (const Mask& mask : {Mask(), Mask::causal(4)}) {
    const auto [output, weights] = scaled_dot_product_attention(Q, K, V, mask);
    CHECK(output.shape() == Shape{4, 5});
    CHECK(weights.shape() == Shape{4, 4});
    const Numbers expected = weights_by_loops(Q, K, mask.allowed());
    CHECK(relative_error(numbers(weights), expected) <= 1e-14);
    CHECK(relative_error(numbers(output), output_by_loops(expected, V)) <= 1e-14);
  }
}

TEST_CASE("weights are a probability distribution over the keys in every row") {
  const auto [output, weights] =
      scaled_dot_product_attention(normal({2, 3, 5, 4}, 1), normal({2, 3, 7, 4}, 2),
                                   normal({2, 3, 7, 6}, 3), Mask::causal(5, 7));
  CHECK(output.shape() == Shape{2, 3, 5, 6});
  CHECK(weights.shape() == Shape{2, 3, 5, 7});
  for (const double w : numbers(weights)) CHECK((w >= 0 && w <= 1));
  for (const double total : numbers(sum(weights, {-1}))) CHECK(std::abs(total - 1) <= 1e-15);
}

TEST_CASE("the order of keys and values does not matter") {
  const Tensor Q = normal({4, 3}, 1), K = normal({6, 3}, 2), V = normal({6, 5}, 3);
  const Tensor order = Tensor::of<int64_t>({4, 2, 5, 0, 1, 3}, {6});
  const auto plain = scaled_dot_product_attention(Q, K, V);
  const auto shuffled =
      scaled_dot_product_attention(Q, tensor::embedding(K, order), tensor::embedding(V, order));
  CHECK(relative_error(shuffled.output.value(), plain.output.value()) <= 1e-14);
}

TEST_CASE("a query attends to the one key that its mask shows as true") {
  const Tensor V = normal({3, 5}, 3);
  const Tensor only = Tensor::of<bool>({false, false, true, true, false, false}, {2, 3});
  const auto [output, weights] =
      scaled_dot_product_attention(normal({2, 4}, 1), normal({3, 4}, 2), V, Mask::allow(only));
  CHECK(numbers(weights) == Numbers{0, 0, 1, 1, 0, 0});
  for (int64_t d = 0; d < 5; ++d) {
    CHECK(number(output, {0, d}) == V.at({2, d}));
    CHECK(number(output, {1, d}) == V.at({0, d}));
  }
}

TEST_CASE("causal outputs do not see later keys to the bit nor send them gradients") {
  const Tensor Q = normal({5, 4}, 1);
  for (int64_t t = 1; t < 5; ++t) {
    const Variable K = autograd::parameter(normal({5, 4}, 2)),
                   V = autograd::parameter(normal({5, 3}, 3));
    Tensor K2 = K.value().clone(), V2 = V.value().clone();
    Tensor later = tensor::slice(K2, 0, t, 5);
    later.fill_(1e6);
    later = tensor::slice(V2, 0, t, 5);
    later.fill_(-1e6);
    const auto first = [&](const Variable& keys, const Variable& values) {
      return slice(scaled_dot_product_attention(Q, keys, values, Mask::causal(5)).output, 0, 0, t);
    };
    const Variable y = first(K, V);
    CHECK(numbers(y) == numbers(first(K2, V2)));
    const auto g = autograd::grad({y}, {K, V}, {Variable(normal({t, 3}, 4))});
    for (const Variable& gradient : g) {
      for (const double v : numbers(slice(gradient, 0, t, 5))) CHECK(v == 0);
      for (const double v : numbers(slice(gradient, 0, 0, 1))) CHECK((v != 0 || t == 1));
    }
  }
}

TEST_CASE("a row without any allowed key gives zero weights and output and gradient") {
  for (const double size : {1.0, 1e4}) {  // large scores, too
    std::vector<Variable> x;
    for (const uint64_t seed : {1u, 2u, 3u}) {
      x.push_back(autograd::parameter((Variable(normal({2, 1, 3, 4}, seed)) * size).value()));
    }
    const Mask mask = Mask::padding({0, 2}, 3);
    const auto [output, weights] = scaled_dot_product_attention(x[0], x[1], x[2], mask);
    for (const double v : numbers(slice(output, 0, 0, 1))) CHECK(v == 0);
    for (const double v : numbers(slice(weights, 0, 0, 1))) CHECK(v == 0);
    for (const Variable& g : autograd::grad({output}, x, {Variable(normal({2, 1, 3, 4}, 4))})) {
      for (const double v : numbers(slice(g, 0, 0, 1))) CHECK(v == 0);
      for (const double v : numbers(g)) CHECK(std::isfinite(v));
    }
  }
}

TEST_CASE("attention passes the gradient check with and without a mask") {
  const Tensor holes = Tensor::of<bool>(
      {true, false, true, false, false, false, false, false, true, true, true, true}, {3, 4});
  for (const Mask& mask : {Mask(), Mask::causal(3, 4), Mask::allow(holes)}) {
    const auto function = [&](const std::vector<Variable>& in) {
      const auto [output, weights] = scaled_dot_product_attention(in[0], in[1], in[2], mask);
      return autograd::concat({reshape(output, {-1}), reshape(weights, {-1})}, 0);
    };
    const std::vector<Tensor> inputs = {normal({2, 3, 2}, 1), normal({2, 4, 2}, 2),
                                        normal({2, 4, 5}, 3)};
    tests::check_gradients("attention", function, inputs);
  }
}

// The masks of the library, and some that broadcast in their own ways.
std::vector<Mask> masks_for(int64_t B, int64_t T) {
  const Tensor any = Tensor::of<bool>({true, false, true, true, false}, {1, T});
  return {Mask(),
          Mask::causal(T),
          Mask::padding(std::vector<int64_t>(static_cast<size_t>(B), 3), T),
          Mask::allow(any),
          Mask::causal(T) & Mask::padding({2, T}, T) & Mask::allow(any),
          Mask::causal(1),
          Mask::padding({4}, T)};
}

TEST_CASE("without weights the output and its gradients are the same but for rounding") {
  for (const Mask& mask : masks_for(2, 5)) {
    const std::vector<Tensor> in = {normal({2, 3, 5, 4}, 1), normal({2, 3, 5, 4}, 2),
                                    normal({2, 3, 5, 6}, 3)};
    std::vector<std::vector<Numbers>> results;
    for (const bool need_weights : {true, false}) {
      std::vector<Variable> x;
      for (const Tensor& t : in) x.push_back(autograd::parameter(t));
      const auto [output, weights] =
          scaled_dot_product_attention(x[0], x[1], x[2], mask, need_weights);
      CHECK(weights.defined() == need_weights);
      results.push_back({numbers(output)});
      for (const Variable& g : autograd::grad({output}, x, {Variable(normal({2, 3, 5, 6}, 4))})) {
        results.back().push_back(numbers(g));
      }
    }
    for (size_t i = 0; i < 4; ++i) CHECK(relative_error(results[1][i], results[0][i]) <= 1e-13);
  }
}

TEST_CASE("a scale of one's own takes the place of the root of the width") {
  const Variable Q = normal({2, 3, 4}, 1), K = normal({2, 5, 4}, 2), V = normal({2, 5, 6}, 3);
  const auto usual = scaled_dot_product_attention(Q, K, V);
  const auto half = scaled_dot_product_attention(Q, K, V, {}, true, 0.5);  // 1/√4
  CHECK(numbers(half.output) == numbers(usual.output));
  for (const double scale : {1.0, -0.3}) {
    const auto with = scaled_dot_product_attention(Q, K, V, {}, true, scale);
    const auto by_query = scaled_dot_product_attention(Q * (2 * scale), K, V);
    CHECK(relative_error(with.weights.value(), by_query.weights.value()) <= 1e-15);
    const auto fused = scaled_dot_product_attention(Q, K, V, {}, false, scale);
    CHECK(relative_error(fused.output.value(), with.output.value()) <= 1e-14);
  }
}

TEST_CASE("without weights keys may still serve several batches") {
  const Tensor Q = normal({2, 3, 5, 4}, 1), K = normal({3, 5, 4}, 2), V = normal({1, 5, 4}, 3);
  const Variable output = scaled_dot_product_attention(Q, K, V, {}, false).output;
  CHECK(relative_error(output.value(), scaled_dot_product_attention(Q, K, V).output.value()) <=
        1e-14);
}

TEST_CASE("without weights a mask that does not fit is refused all the same") {
  const Tensor x = normal({2, 3, 5, 4}, 1);
  for (const bool need_weights : {true, false}) {
    CHECK(refusal([&] {
            return scaled_dot_product_attention(x, x, x, Mask::causal(4), need_weights);
          }).find("(4, 4)") != std::string::npos);
    CHECK(refusal([&] {
            return scaled_dot_product_attention(x, x, x, Mask::padding({1, 2, 3}, 5), need_weights);
          }) != "not refused");
  }
}

TEST_CASE("operands that do not fit are refused with their shapes") {
  const auto attend = [](const Shape& q, const Shape& k, const Shape& v) {
    return refusal([&] {
      return scaled_dot_product_attention(tensor::ones(q), tensor::ones(k), tensor::ones(v));
    });
  };
  CHECK(attend({3}, {4, 3}, {4, 3}) ==
        "attention: Q is (3,), K (4, 3), V (4, 3); each needs at least (T, D)");
  CHECK(attend({2, 3}, {4, 2}, {4, 3}) ==
        "attention: Q is (2, 3), K is (4, 2); queries and keys need the same width D (last axis)");
  CHECK(attend({2, 3}, {4, 3}, {5, 3}) ==
        "attention: K is (4, 3), V is (5, 3); every key needs one value (same T, second axis from "
        "the end)");
}

TEST_CASE("a mask for more batches than there are is refused") {
  const Variable x = tensor::ones({1, 1, 3, 2});
  for (const bool need_weights : {false, true}) {
    CHECK(refusal([&] {
            const nn::Mask mask = nn::Mask::padding({1, 2}, 3);
            return nn::scaled_dot_product_attention(x, x, x, mask, need_weights).output;
          }) ==
          "attention: the mask is (2, 1, 1, 3), the scores are (1, 1, 3, 3); the mask must "
          "broadcast to (..., Tq, Tk)");
  }
}
