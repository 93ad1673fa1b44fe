// Who can influence whom, by autograd: no future, no padding, no other sequence, and every encoder
// position. Attentions that leak or never look are planted, and seen.
#include "autograd/dependency.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/engine.h"
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "nn/transformer.h"
#include "tensor/elementwise.h"
#include "tests/compare.h"

using namespace qkv;
using namespace qkv::autograd;
using qkv::tests::refusal;

namespace {

using Numbers = std::vector<double>;

Tensor normal(const Shape& shape, uint64_t seed, Dtype dtype = Dtype::float64) {
  lib::Generator generator(seed);
  return tensor::normal(shape, 0, 1, generator, dtype);
}

nn::TransformerConfig config(nn::Norm norm) {
  return {.vocab = 7,
          .width = 8,
          .heads = 2,
          .layers = 2,
          .feed_forward = 12,
          .norm = norm,
          .activation = nn::Activation::gelu};
}

// output (T, C) and the inputs it was made of, from an attention by hand.
Variable attend(const Variable& x, const Tensor& allowed, double forbidden) {
  const Variable scores = matmul(x, transpose(x));
  return matmul(softmax(masked_fill(scores, tensor::logical_not(allowed), forbidden), -1), x);
}

const std::string kAll4 = "# # # #\n# # # #\n# # # #\n# # # #\n";
constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("the dependency of a function by position is its own position") {
  const Variable x = parameter(normal({3, 5}, 1));
  const Dependency d = dependency(exp(x), x);
  CHECK(d.str() == "# . .\n. # .\n. . #\n");
  CHECK(d.strength.shape() == Shape{3, 3});
  CHECK(d.output == Shape{3});
  CHECK_FALSE(x.has_grad());
  CHECK(dependency(sum(x, {1}, true), exp(x)).str() == ". . .\n. . .\n. . .\n");
}

TEST_CASE("a dependency is as large as the gradient and the same for the same seed") {
  const Variable x = parameter(normal({2, 1}, 1));
  const Dependency one = dependency(x * 1.0, x, 3), ten = dependency(x * 10.0, x, 3);
  CHECK(ten.strength.at({0, 0}) == 10 * one.strength.at({0, 0}));
  CHECK(dependency(x * 1.0, x, 4).strength.at({0, 0}) != one.strength.at({0, 0}));
}

TEST_CASE("a gradient that is not finite shows in the picture") {
  const Variable x = parameter(tensor::zeros({2, 1}, Dtype::float64));
  CHECK(dependency(log(x), x).str() == "! !\n! !\n");  // 1/0, and 0/0 elsewhere
  CHECK(dependency(x * (log(x) * 0.0), x).str().find('!') != std::string::npos);
}

TEST_CASE("single numbers and constants have no dependency") {
  const Variable x = parameter(normal({2, 3}, 1));
  CHECK(refusal([&] { return dependency(sum(x), x); }) ==
        "dependency: the output is a single number; it has no positions");
  CHECK(refusal([&] { return dependency(x, parameter(normal({}, 1))); }) ==
        "dependency: the input is a single number; it has no positions");
  CHECK(refusal([&] { return dependency(exp(x), x.detach()); }).starts_with("grad: "));
}

TEST_CASE("causal attention depends on nothing above the diagonal") {
  lib::Generator generator(1);
  nn::MultiHeadAttention attention(8, 2, generator);
  attention.to(Dtype::float64);
  const Variable x = parameter(normal({4, 8}, 2));
  for (const bool need_weights : {false, true}) {
    const Variable batch = reshape(x, {1, 4, 8});
    const auto see = [&](const nn::Mask& mask) {
      const Variable y = attention.forward(batch, batch, batch, mask, need_weights).output;
      return dependency(reshape(y, {4, 8}), x).str();
    };
    CHECK(see(nn::Mask::causal(4)) == nn::Mask::causal(4).str());
    CHECK(see({}) == kAll4);
  }
}

TEST_CASE("causal models depend on nothing above the diagonal and sequences not on each other") {
  for (const nn::Norm norm : {nn::Norm::pre, nn::Norm::post}) {
    lib::Generator generator(1);
    nn::EncoderClassifier model(config(norm), generator);
    model.to(Dtype::float64);
    const Tensor tokens = tensor::integers({2, 3}, 0, 7, generator);
    const Variable logits = model.forward(tokens, nn::Mask::causal(3), false).output;  // (B, T, 7)
    const auto nodes = nodes_behind(logits);
    const auto first = std::find_if(nodes.begin(), nodes.end(), [](const auto& node) {
      return std::string(node->op) == "linear";  // the input layer: its result is by position
    });
    const Variable input(tensor::zeros((*first)->shape, Dtype::float64), *first);
    CHECK(dependency(logits, input).str() ==
          "# . .   . . .\n"
          "# # .   . . .\n"
          "# # #   . . .\n"
          "\n"
          ". . .   # . .\n"
          ". . .   # # .\n"
          ". . .   # # #\n");
  }
}

TEST_CASE("real positions depend on every real position and never on padding") {
  for (const nn::Norm norm : {nn::Norm::pre, nn::Norm::post}) {
    for (const bool need_weights : {false, true}) {
      lib::Generator generator(1);
      nn::TransformerEncoder encoder(config(norm), generator);
      encoder.to(Dtype::float64);
      const Variable x = parameter(normal({2, 4, 8}, 2));
      const nn::Mask mask = nn::Mask::padding({2, 4}, 4);
      const Variable y = encoder.forward(x, mask, need_weights).output;
      CHECK(dependency(y, x).str() ==
            "# # . .   . . . .\n"
            "# # . .   . . . .\n"
            "# # # .   . . . .\n"  // a padded position sees itself, by the residual connection
            "# # . #   . . . .\n"
            "\n"
            ". . . .   # # # #\n"
            ". . . .   # # # #\n"
            ". . . .   # # # #\n"
            ". . . .   # # # #\n");
    }
  }
}

TEST_CASE("a sequence alone equals the same sequence in a padded batch bit for bit") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    for (const bool need_weights : {false, true}) {
      lib::Generator generator(1);
      nn::TransformerEncoder encoder(config(nn::Norm::pre), generator);
      encoder.to(dtype);
      const Variable padded = parameter(normal({3, 21, 8}, 2, dtype));
      const Variable alone =
          parameter(tensor::Tensor(slice(slice(padded, 0, 1, 2), 1, 0, 13).value()).clone());
      const Variable cotangent = normal({1, 13, 8}, 3, dtype);

      const Variable y = encoder.forward(alone, {}, need_weights).output;
      const auto inputs = [&](const Variable& x) {
        std::vector<Variable> all = encoder.parameters();
        all.push_back(x);
        return all;
      };
      const auto expected = grad({y}, inputs(alone), {cotangent});
      const nn::Mask mask = nn::Mask::padding({5, 13, 0}, 21);
      const Variable batch = encoder.forward(padded, mask, need_weights).output;
      const Variable inside = slice(slice(batch, 0, 1, 2), 1, 0, 13);
      const auto actual = grad({inside}, inputs(padded), {cotangent});
      CHECK(inside.value().to_vector() == y.value().to_vector());
      const Tensor dx = actual.back().value();
      CHECK(slice(slice(dx, 0, 1, 2), 1, 0, 13).value().to_vector() ==
            expected.back().value().to_vector());
      CHECK(slice(dx, 0, 0, 1).value().to_vector() == Numbers(21 * 8, 0.0));
      CHECK(slice(slice(dx, 0, 1, 2), 1, 13, 21).value().to_vector() == Numbers(8 * 8, 0.0));
      for (size_t i = 0; i + 1 < actual.size(); ++i) {
        CHECK_MESSAGE(actual[i].value().to_vector() == expected[i].value().to_vector(), i);
      }
    }
  }
}

TEST_CASE("every encoder position reaches every position that attends to it") {
  lib::Generator generator(1);
  nn::MultiHeadAttention attention(8, 2, generator);
  attention.to(Dtype::float64);
  const Variable memory = parameter(normal({1, 5, 8}, 2)),
                 queries = parameter(normal({1, 3, 8}, 3));
  const Variable y = attention.forward(queries, memory, memory).output;
  CHECK(dependency(y, memory).str() == "# # # # #\n# # # # #\n# # # # #\n");
  CHECK(dependency(y, queries).str() == "# . .\n. # .\n. . #\n");
}

TEST_CASE("attention weights change when keys change") {
  const Variable Q = parameter(normal({3, 4}, 1)), K = parameter(normal({5, 4}, 2));
  const Variable V = parameter(normal({5, 2}, 3));
  const Variable weights = nn::scaled_dot_product_attention(Q, K, V).weights;  // (3, 5)
  CHECK(dependency(weights, K).str() == "# # # # #\n# # # # #\n# # # # #\n");
  CHECK(dependency(weights, V).str() == ". . . . .\n. . . . .\n. . . . .\n");
  Tensor moved = K.value().clone();
  for (double* key = moved.mutable_data<double>(); key < moved.data<double>() + 4; ++key) *key += 1;
  const Tensor others = nn::scaled_dot_product_attention(Q, moved, V).weights.value();
  for (int64_t q = 0; q < 3; ++q) {
    for (int64_t k = 0; k < 5; ++k) CHECK(others.at({q, k}) != weights.value().at({q, k}));
  }
}

TEST_CASE("a fully masked row gives zero output and zero gradient and nothing not finite") {
  const Tensor allowed = Tensor::of<bool>(
      {true, false, true, true, false, false, false, false, true, true, false, true}, {3, 4});
  for (const bool need_weights : {false, true}) {
    const Variable Q = parameter(normal({3, 2}, 1)), K = parameter(normal({4, 2}, 2));
    const Variable V = parameter(normal({4, 3}, 3));
    const auto [y, weights] =
        nn::scaled_dot_product_attention(Q, K, V, nn::Mask::allow(allowed), need_weights);
    CHECK(slice(y, 0, 1, 2).value().to_vector() == Numbers{0, 0, 0});
    CHECK(dependency(y, K).str() == "# . # #\n. . . .\n# # . #\n");
    CHECK(dependency(y, V).str() == "# . # #\n. . . .\n# # . #\n");
    const auto g = grad({y}, {Q, K, V}, {normal({3, 3}, 4)});
    CHECK(slice(g[0], 0, 1, 2).value().to_vector() == Numbers{0, 0});
    for (const Variable& part : g) {
      for (const double x : part.value().to_vector()) CHECK(std::isfinite(x));
    }
  }
}

TEST_CASE("planted attentions that leak or do not look are seen") {
  const Variable x = parameter(normal({4, 3}, 1));
  const Tensor causal = nn::Mask::causal(4).allowed();
  const std::string right = nn::Mask::causal(4).str();
  CHECK(dependency(attend(x, causal, -kInfinity), x).str() == right);
  CHECK(dependency(attend(x, causal, -9), x).str() == kAll4);  // a finite constant leaks
  CHECK(dependency(attend(x, causal, 0), x).str() == kAll4);
  CHECK(dependency(attend(x, tensor::logical_not(causal), -kInfinity), x).str() != right);
  const Variable queries = parameter(normal({2, 3}, 2));
  const Variable blind = softmax(matmul(queries, transpose(queries)), -1);  // never looks at x
  CHECK(dependency(matmul(blind, slice(x, 0, 0, 2)), x).str() == "# # . .\n# # . .\n");
}
