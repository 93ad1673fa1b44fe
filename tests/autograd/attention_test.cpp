// The attention operation: what it saves and refuses, its memory beside that of its definition.
// Its gradients are checked in op_table_test.cpp, against its definition in fused_test.cpp.
#include <doctest/doctest.h>

#include <cmath>

#include "autograd/engine.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "lib/memory.h"
#include "tensor/views.h"
#include "tests/compare.h"
#include "tests/determinism/settings.h"

using namespace qkv;
using namespace qkv::autograd;
using qkv::tests::refusal;
using qkv::tests::relative_error;

namespace {

Tensor normal(const Shape& shape, uint64_t seed, Dtype dtype = Dtype::float64) {
  lib::Generator generator(seed);
  return tensor::normal(shape, 0, 1, generator, dtype);
}

// Bytes that a forward and a backward pass need at most, beyond operands of length T.
int64_t peak_bytes(int64_t T) {
  std::vector<Variable> x;
  for (const uint64_t seed : {1u, 2u, 3u}) {
    x.push_back(parameter(normal({1, 1, T, 4}, seed, Dtype::float32)));
  }
  const int64_t before = lib::memory_stats().live_bytes;
  lib::reset_peak_memory();
  backward(sum(attention(x[0], x[1], x[2], {.causal = true})));
  return lib::memory_stats().peak_bytes - before;
}

}  // namespace

TEST_CASE("without a scale attention divides by the root of D") {
  const Variable x = normal({3, 4}, 1);
  CHECK(attention(x, x, x).value().to_vector() == attention(x, x, x, {}, 0.5).value().to_vector());
  CHECK(attention(x, x, x).value().to_vector() != attention(x, x, x, {}, 0.25).value().to_vector());
}

TEST_CASE("attention takes operands of any strides") {
  const Variable x = normal({2, 3, 4, 5}, 1);
  const auto as_is = attention(x, x, x, {.causal = true});
  const Variable turned = tensor::transpose(tensor::transpose(x.value()).contiguous());
  const Variable every_other = tensor::slice(
      tensor::transpose(tensor::expand(x.value(), {2, 2, 3, 4, 5}).contiguous(), 0, 1), 1, 0, 1);
  CHECK(attention(turned, x, turned, {.causal = true}).value().to_vector() ==
        as_is.value().to_vector());
  const Variable gap = tensor::reshape(every_other.value(), {2, 3, 4, 5});
  CHECK(attention(x, gap, x, {.causal = true}).value().to_vector() == as_is.value().to_vector());
}

TEST_CASE("the memory of attention grows with T and that of its definition with its square") {
  const int64_t T = tests::short_form() ? 1000 : 2000, small = peak_bytes(T / 4),
                large = peak_bytes(T);
  CHECK(large <= 4 * small);
  CHECK(large < T * T);  // one byte for each of its 4-byte weights
  const UseDefinitions plain;
  CHECK(peak_bytes(T) > 4 * T * T);
}

TEST_CASE("a write to what attention has saved is found out") {
  for (int i = 0; i < 4; ++i) {
    std::vector<Variable> x = {parameter(normal({3, 2}, 1)), parameter(normal({3, 2}, 2)),
                               parameter(normal({3, 2}, 3))};
    Variable y = attention(x[0], x[1], x[2]);
    (i < 3 ? x[static_cast<size_t>(i)] : y).mutable_value().fill_(1);
    CHECK_THROWS_AS(backward(y, Variable(normal({3, 2}, 4))), std::logic_error);
  }
}

TEST_CASE("a gradient with a graph is the definition's") {
  const std::vector<Variable> x = {parameter(normal({3, 2}, 1)), parameter(normal({4, 2}, 2)),
                                   parameter(normal({4, 2}, 3))};
  const Variable dy = normal({3, 2}, 4);
  const auto second = [&] {
    const Variable y = attention(x[0], x[1], x[2]);
    const Variable dq = grad({y}, {x[0]}, {dy}, {.create_graph = true})[0];
    return grad({dq}, x, {dy});
  };
  const auto fused = second();
  const UseDefinitions plain;
  const auto expected = second();
  for (size_t i = 0; i < 3; ++i) {
    CHECK(relative_error(fused[i].value(), expected[i].value()) <= 1e-13);
  }
}

TEST_CASE("operands that attention cannot join are refused with their shapes") {
  const auto attend = [](const Shape& q, const Shape& k, const Shape& v,
                         const tensor::AttentionMask& mask = {}) {
    return refusal(
        [&] { return attention(tensor::ones(q), tensor::ones(k), tensor::ones(v), mask); });
  };
  CHECK(attend({3}, {3}, {3}) ==
        "attention: Q is (3,), K (3,), V (3,); need (T, D), (B, T, D) or (B, H, T, D), the same "
        "kind for all three");
  CHECK(attend({2, 3}, {4, 2}, {4, 3}) ==
        "attention: Q is (2, 3), K (4, 2), V (4, 3); queries and keys need the same width D (last "
        "axis)");
  CHECK(attend({2, 3}, {4, 3}, {5, 3}) ==
        "attention: Q is (2, 3), K (4, 3), V (5, 3); every key needs one value (same T, second "
        "axis from the end)");
  CHECK(attend({2, 2, 3}, {1, 2, 3}, {2, 2, 3}) ==
        "attention: Q is (2, 2, 3), K (1, 2, 3), V (2, 2, 3); the axes before (T, D) must be "
        "equal");
  CHECK(attend({2, 3}, {2, 3}, {2, 3}, {.allowed = tensor::ones({2, 2})}) ==
        "attention: needs a bool mask (true = may attend), got float32");
  CHECK(attend({2, 3}, {2, 3}, {2, 3}, {.key_lengths = Tensor::of<int64_t>({1}, {1})}) ==
        "attention: key lengths need operands (B, H, T, D)");
  CHECK(attend({2, 1, 2, 3}, {2, 1, 2, 3}, {2, 1, 2, 3},
               {.key_lengths = Tensor::of<int64_t>({1, 3}, {2})}) ==
        "attention: key length 3 is outside [0, 2]");
}

TEST_CASE("slopes that are not one for each head are refused") {
  const Variable x = normal({2, 3, 4, 5}, 1);
  const auto attend = [](const Variable& q, const Tensor& slopes) {
    return refusal([&] { return attention(q, q, q, {}, {}, slopes); });
  };
  CHECK(
      attend(x, normal({2}, 1)) ==
      "attention: slopes are (2,) float64, Q is (2, 3, 4, 5) float64; need slopes (H) for Q (B, H, "
      "T, D), of the same dtype");
  CHECK(attend(x, normal({3}, 1, Dtype::float32)) != "not refused");
  CHECK(attend(normal({4, 5}, 1), normal({1}, 1)) != "not refused");
  CHECK(attend(x, normal({3}, 1)) == "not refused");
}
