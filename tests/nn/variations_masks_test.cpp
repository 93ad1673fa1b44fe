// What all variations of attention promise: they keep to the mask, padding is not there, a query
// without keys gives zeros, and their gradients are right to the second order.
#include <doctest/doctest.h>

#include <functional>

#include "autograd/dependency.h"
#include "autograd/engine.h"
#include "autograd/ops.h"
#include "nn/variations.h"
#include "tests/check_gradients.h"
#include "tests/compare.h"
#include "tests/normal.h"

using namespace qkv;
using namespace qkv::nn;
using qkv::tests::check_gradients;
using qkv::tests::normal;
using qkv::tests::refusal;

namespace {

using Numbers = std::vector<double>;

Numbers numbers(const Variable& x) { return x.value().to_vector(); }

using Attend = std::function<AttentionOutput(const Variable& Q, const Variable& K,
                                             const Variable& V, const Mask& mask)>;

// Those that take Q, K, V and a mask; the learned sinks are those of 2 heads.
struct Kind {
  std::string name;
  Attend attend;
};
const std::vector<Kind>& kinds() {
  using Var = const Variable&;
  static const Variable sinks = Tensor::of<double>({0.4, -1}, {2});
  static const std::vector<Kind> list = {
      {"grouped queries",
       [](Var Q, Var K, Var V, const Mask& m) { return grouped_query_attention(Q, K, V, m); }},
      {"soft cap",
       [](Var Q, Var K, Var V, const Mask& m) { return soft_capped_attention(Q, K, V, 0.8, m); }},
      {"sink", [](Var Q, Var K, Var V, const Mask& m) { return sink_attention(Q, K, V, {}, m); }},
      {"learned sink",
       [](Var Q, Var K, Var V, const Mask& m) { return sink_attention(Q, K, V, sinks, m); }},
      {"hard", [](Var Q, Var K, Var V, const Mask& m) { return hard_attention(Q, K, V, m); }},
      {"kernel",
       [](Var Q, Var K, Var V, const Mask& m) { return kernel_attention(Q, K, V, 0.9, m); }}};
  return list;
}

// The first n positions.
Variable first(const Variable& x, int64_t n) { return slice(x, 2, 0, n); }

}  // namespace

TEST_CASE("variations look where the mask allows and a query without keys gives zeros") {
  const Variable Q = autograd::parameter(normal({1, 2, 3, 4}, 1));
  const Variable K = autograd::parameter(normal({1, 2, 5, 4}, 2));
  const Variable V = autograd::parameter(normal({1, 2, 5, 3}, 3));
  const Mask holes = Mask::window(3, 5, 2, 1) & Mask::padding({2}, 5);
  const Mask none = Mask::padding({0}, 5);
  for (const Kind& kind : kinds()) {
    CAPTURE(kind.name);
    const auto [y, weights] = kind.attend(Q, K, V, holes);
    CHECK(y.shape() == Shape{1, 2, 3, 3});
    CHECK(weights.shape() == Shape{1, 2, 3, 5});
    const Numbers w = numbers(weights), may = holes.allowed().to_vector();
    for (size_t i = 0; i < w.size(); ++i) CHECK((w[i] == 0 || may[i % may.size()] != 0));
    const auto [nothing, zeros] = kind.attend(Q, K, V, none);
    CHECK(numbers(nothing) == Numbers(18, 0.0));
    CHECK(numbers(zeros) == Numbers(30, 0.0));
    const auto gradients = autograd::grad({nothing}, {Q, K, V}, {normal(nothing.shape(), 4)});
    for (const Variable& dx : gradients) {
      for (const double slope : numbers(dx)) CHECK(slope == 0);
    }
  }
}

TEST_CASE("padding changes no bit of a variation") {
  const Variable Q = normal({2, 2, 3, 4}, 1), K = normal({2, 2, 21, 4}, 2);
  const Variable V = normal({2, 2, 21, 3}, 3);
  for (const Kind& kind : kinds()) {
    CAPTURE(kind.name);
    const auto padded = kind.attend(Q, K, V, Mask::padding({13, 13}, 21));
    const auto alone = kind.attend(Q, first(K, 13), first(V, 13), Mask::padding({13, 13}, 13));
    CHECK(numbers(padded.output) == numbers(alone.output));
    CHECK(numbers(slice(padded.weights, -1, 0, 13)) == numbers(alone.weights));
  }
}

TEST_CASE("the future does not reach a causal variation") {
  // (Hard attention looks at one key, and the learned sinks are those of two heads.)
  const Variable Q = normal({1, 1, 4, 3}, 1), K = normal({1, 1, 4, 3}, 2);
  const Variable V = autograd::parameter(normal({1, 1, 4, 2}, 3));
  for (const Kind& kind : kinds()) {
    if (kind.name == "hard" || kind.name == "learned sink") continue;
    CAPTURE(kind.name);
    const auto see = [&](const Mask& mask) {
      return autograd::dependency(kind.attend(Q, K, V, mask).output, V).str();
    };
    CHECK(see(Mask::causal(4)) == Mask::causal(4).str());
    CHECK(see(Mask::window(4, 4, 2)) == Mask::window(4, 4, 2).str());
  }
}

TEST_CASE("the gradients of variations are right to the second order") {
  const std::vector<Tensor> inputs = {normal({1, 2, 3, 2}, 1), normal({1, 2, 3, 2}, 2),
                                      normal({1, 2, 3, 2}, 3)};
  for (const Kind& kind : kinds()) {
    if (kind.name == "grouped queries") continue;  // a test of their own
    for (const Mask& mask : {Mask(), Mask::causal(3)}) {
      check_gradients(
          kind.name,
          [&](const std::vector<Variable>& x) {
            const auto [y, weights] = kind.attend(x[0], x[1], x[2], mask);
            return autograd::concat({y, weights}, -1);
          },
          inputs);
    }
  }
}

TEST_CASE("variations refuse queries and keys of different widths") {
  const Variable Q = normal({1, 2, 3, 4}, 1), K = normal({1, 2, 3, 5}, 2);
  for (const Kind& kind : kinds()) {
    CAPTURE(kind.name);
    const std::string text = refusal([&] { return kind.attend(Q, K, K, Mask()); });
    CHECK(text.find("Q is (1, 2, 3, 4)") != std::string::npos);
    CHECK(text.find("K is (1, 2, 3, 5)") != std::string::npos);
  }
}
