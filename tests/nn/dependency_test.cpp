// Who can influence whom, by autograd: no future, no padding, no other sequence, and every encoder
// position. Attentions that leak or never look are planted, and seen. Next: padding_test.cpp.
#include "autograd/dependency.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "autograd/engine.h"
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "nn/decoder.h"
#include "nn/recurrent_layers.h"
#include "nn/score_attention.h"
#include "tensor/elementwise.h"
#include "tests/compare.h"
#include "tests/normal.h"

using namespace qkv;
using namespace qkv::autograd;
using qkv::tests::normal;
using qkv::tests::refusal;

namespace {

using Numbers = std::vector<double>;

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

TEST_CASE("a window of an encoder reaches as far on both sides and of a decoder back only") {
  nn::TransformerConfig near = config(nn::Norm::pre);
  near.window = 2, near.layers = 1;
  for (const bool need_weights : {false, true}) {
    lib::Generator generator(1);
    nn::TransformerEncoder encoder(near, generator);
    nn::TransformerDecoder decoder(near, generator);
    encoder.to(Dtype::float64), decoder.to(Dtype::float64);
    const Variable x = parameter(normal({1, 5, 8}, 2)), memory = parameter(normal({1, 3, 8}, 3));
    CHECK(dependency(encoder.forward(x, {}, need_weights).output, x).str() ==
          nn::Mask::band(5, 5, 2).str());
    const Variable y = decoder.forward(x, memory, {}, {}, need_weights).output;
    CHECK(dependency(y, x).str() == nn::Mask::window(5, 5, 2).str());
    CHECK(dependency(y, memory).str() == "# # #\n# # #\n# # #\n# # #\n# # #\n");
  }
}

TEST_CASE("every encoder position reaches every decoder output and the future none") {
  const std::string all = "# # # # #\n# # # # #\n# # # # #\n";
  for (const nn::Norm norm : {nn::Norm::pre, nn::Norm::post}) {
    for (const bool need_weights : {false, true}) {
      lib::Generator generator(1);
      nn::TransformerEncoder encoder(config(norm), generator);
      nn::TransformerDecoder decoder(config(norm), generator);
      encoder.to(Dtype::float64), decoder.to(Dtype::float64);
      const Variable source = parameter(normal({1, 5, 8}, 2));
      const Variable target = parameter(normal({1, 3, 8}, 3));
      const Variable memory = encoder.forward(source, {}, need_weights).output;
      const Variable y = decoder.forward(target, memory, {}, {}, need_weights).output;
      CHECK(dependency(y, source).str() == all);
      CHECK(dependency(y, memory).str() == all);
      CHECK(dependency(y, target).str() == nn::Mask::causal(3).str());
      const nn::Mask padding = nn::Mask::padding({2}, 5);
      const Variable padded = decoder.forward(target, memory, {}, padding, need_weights).output;
      CHECK(dependency(padded, memory).str() == "# # . . .\n# # . . .\n# # . . .\n");
    }
  }
}

TEST_CASE("attentions by score look at every key that the mask allows") {
  lib::Generator g(1);
  const std::unique_ptr<nn::Attention> kinds[] = {
      std::make_unique<nn::DotAttention>(), std::make_unique<nn::ScaledDotAttention>(),
      std::make_unique<nn::GeneralAttention>(4, 4, g),
      std::make_unique<nn::ConcatAttention>(4, 4, 3, g),
      std::make_unique<nn::AdditiveAttention>(4, 4, 3, g)};
  for (const auto& attention : kinds) {
    attention->to(Dtype::float64);
    const Variable queries = parameter(normal({1, 2, 4}, 1)),
                   keys = parameter(normal({1, 3, 4}, 2));
    const Variable values = parameter(normal({1, 3, 4}, 3));
    const auto [y, weights] = attention->forward(queries, keys, values);
    CHECK(dependency(y, values).str() == "# # #\n# # #\n");
    CHECK(dependency(y, queries).str() == "# .\n. #\n");
    CHECK(dependency(weights, keys).str() == "# # #\n# # #\n");
    const Variable some =
        attention->forward(queries, keys, values, nn::Mask::padding({2}, 3)).output;
    CHECK(dependency(some, keys).str() == "# # .\n# # .\n");
    CHECK(dependency(some, values).str() == "# # .\n# # .\n");
  }
}

TEST_CASE("recurrent layers know the past and no future and end with their length") {
  lib::Generator g(1);
  const std::unique_ptr<nn::Recurrent> kinds[] = {std::make_unique<nn::RNN>(3, 4, g),
                                                  std::make_unique<nn::GRU>(3, 4, g),
                                                  std::make_unique<nn::LSTM>(3, 4, g)};
  for (const auto& layer : kinds) {
    layer->to(Dtype::float64);
    const Variable x = parameter(normal({1, 3, 3}, 1));
    CHECK(dependency(layer->forward(x).output, x).str() == nn::Mask::causal(3).str());
    const Variable state = layer->forward(x, {}, {2}).state.h;
    CHECK(dependency(state, x).str() == "# # .\n");
  }
}

TEST_CASE("recurrent layers in two directions know all of their sequence and nothing behind it") {
  for (const nn::Cell cell : {nn::Cell::rnn, nn::Cell::gru, nn::Cell::lstm}) {
    lib::Generator g(1);
    nn::RecurrentLayers layers({.cell = cell, .in = 3, .hidden = 4, .bidirectional = true}, g);
    layers.to(Dtype::float64);
    const Variable x = parameter(normal({1, 3, 3}, 1));
    const auto [output, states] = layers.forward(x, {}, {2});
    CHECK(dependency(slice(output, 1, 0, 2), x).str() == "# # .\n# # .\n");
    CHECK(dependency(slice(output, 2, 4, 8), x).str() == "# # .\n. # .\n. . .\n");  // read back
    CHECK(dependency(states[0].h, x).str() == "# # .\n");
    CHECK(dependency(states[1].h, x).str() == "# # .\n");
  }
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
