// Variations of attention: what each is by definition, what becomes of it at its ends, and that it
// keeps to the mask.
#include "nn/variations.h"

#include <doctest/doctest.h>

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
