// The Transformer encoder and classifier: gradients of whole models in float64, what masks keep
// apart to the bit, and what is refused.
#include "nn/transformer.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/engine.h"
#include "autograd/grad_check.h"
#include "autograd/ops.h"
#include "tensor/views.h"
#include "tests/compare.h"
#include "tests/nn/transformer_models.h"

using namespace qkv;
using namespace qkv::nn;
using qkv::tests::refusal;

namespace {

using Numbers = std::vector<double>;

constexpr TransformerConfig kTiny = {
    .vocab = 5, .width = 4, .heads = 2, .layers = 1, .feed_forward = 6, .max_length = 5};

Tensor some_tokens(const Shape& shape) { return tests::some_tokens(shape, 5); }

// Every parameter of a classifier against central differences. A model is made for every
// evaluation: its dropout layers then draw the same elements each time.
autograd::GradCheckReport check_model(const TransformerConfig& config, const Mask& mask,
                                      uint64_t seed) {
  const Tensor tokens = some_tokens({2, 4});
  const auto make = [&] {
    lib::Generator generator(seed);
    auto model = std::make_unique<EncoderClassifier>(config, generator);
    model->to(Dtype::float64);
    return model;
  };
  const auto function = [&](const std::vector<Variable>& parameters) {
    const auto model = make();
    size_t next = 0;
    for (const NamedParameter& named : model->named_parameters()) {
      *named.parameter = parameters[next++];
    }
    return model->forward(tokens, mask).output;
  };
  std::vector<Tensor> values;
  for (const Variable& p : make()->parameters()) values.push_back(p.value());
  return autograd::grad_check("classifier", function, values);
}

// The bits of one sequence's first positions: float32 numbers, exact as double.
Numbers rows(const Variable& logits, int64_t sequence, int64_t length) {
  return tensor::slice(tensor::select(logits.value(), 0, sequence), 0, 0, length).to_vector();
}

}  // namespace

TEST_CASE("gradients of every parameter of small classifiers are the slopes") {
  for (const Norm norm : {Norm::post, Norm::pre}) {
    for (const Positions positions : {Positions::sinusoidal, Positions::learned}) {
      for (const Activation activation : {Activation::relu, Activation::gelu}) {
        TransformerConfig config = kTiny;
        config.norm = norm;
        config.positions = positions;
        config.activation = activation;
        INFO("pre-norm ", norm == Norm::pre, ", learned ", positions == Positions::learned,
             ", gelu ", activation == Activation::gelu);
        const auto report = check_model(config, {}, 3);  // a seed that keeps clear of relu's kinks
        CHECK_MESSAGE(report.passed, report.message);
        CHECK(report.elements >= 231);
      }
    }
  }
}

TEST_CASE("gradients of a classifier are the slopes with masks and dropout and two layers") {
  TransformerConfig config = kTiny;
  config.width = 8;
  config.layers = 2;
  config.dropout = 0.2;
  for (const Norm norm : {Norm::post, Norm::pre}) {
    config.norm = norm;
    const auto report = check_model(config, Mask::causal(4) & Mask::padding({4, 2}, 4), 3);
    CHECK_MESSAGE(report.passed, report.message);
  }
}

TEST_CASE("shapes of logits and weights") {
  lib::Generator generator(1);
  TransformerConfig config = kTiny;
  config.layers = 3;
  EncoderClassifier model(config, generator);
  const EncoderOutput result = model.forward(some_tokens({7, 3}));
  CHECK(result.output.shape() == Shape{7, 3, 5});
  REQUIRE(result.weights.size() == 3);
  for (const Variable& weights : result.weights) {
    CHECK(weights.shape() == Shape{7, 2, 3, 3});
    for (const double total : sum(weights, {-1}).value().to_vector()) {
      CHECK(std::abs(total - 1) <= 1e-6);
    }
  }
}

TEST_CASE("post-norm ends in a normalised row and pre-norm does not") {
  lib::Generator generator(1);
  const Variable x = tensor::normal({2, 3, 4}, 0, 1, generator);
  for (const Norm norm : {Norm::post, Norm::pre}) {
    TransformerConfig config = kTiny;
    config.norm = norm;
    EncoderLayer layer(config, generator);
    double largest = 0;
    for (const double m : mean(layer.forward(x, {}).output, {-1}).value().to_vector()) {
      largest = std::max(largest, std::abs(m));
    }
    CHECK((largest <= 1e-6) == (norm == Norm::post));
  }
}

TEST_CASE("layers are their sublayers put together as the paper's figure shows") {
  for (const Norm norm : {Norm::post, Norm::pre}) {
    lib::Generator generator(1);
    TransformerConfig config = kTiny;
    config.norm = norm;
    EncoderLayer layer(config, generator);
    for (LayerNorm* each : {&layer.norm1, &layer.norm2}) {  // they start alike
      each->weight.mutable_value().copy_(tensor::normal({4}, 0, 1, generator));
      each->bias.mutable_value().copy_(tensor::normal({4}, 0, 1, generator));
    }
    const Variable x = tensor::normal({2, 3, 4}, 0, 1, generator);
    const auto attend = [&](const Variable& in) {
      return layer.attention.forward(in, in, in).output;
    };
    Variable y;
    if (norm == Norm::post) {
      const Variable middle = layer.norm1.forward(x + attend(x));
      y = layer.norm2.forward(middle + layer.feed_forward.forward(middle));
    } else {
      const Variable middle = x + attend(layer.norm1.forward(x));
      y = middle + layer.feed_forward.forward(layer.norm2.forward(middle));
    }
    CHECK(layer.forward(x, {}).output.value().to_vector() == y.value().to_vector());
  }
}

TEST_CASE("causal logits do not depend on later tokens to the bit") {
  lib::Generator generator(1);
  TransformerConfig config = kTiny;
  config.layers = 2;
  EncoderClassifier model(config, generator);
  const Tensor tokens = Tensor::of<int64_t>({0, 1, 2, 3, 4}, {1, 5});
  const Variable all = model.forward(tokens, Mask::causal(5)).output;
  for (int64_t t = 1; t < 5; ++t) {
    Tensor changed = tokens.clone();
    Tensor later = tensor::slice(changed, 1, t, 5);
    later.fill_(0);
    const Variable other = model.forward(changed, Mask::causal(5)).output;
    CHECK(rows(other, 0, t) == rows(all, 0, t));
    CHECK(rows(other, 0, 5) != rows(all, 0, 5));
    const Variable alone = model.forward(tensor::slice(tokens, 1, 0, t), Mask::causal(t)).output;
    CHECK(rows(alone, 0, t) == rows(all, 0, t));
  }
}

TEST_CASE("later positions get no gradient from earlier ones through causal layers") {
  lib::Generator generator(1);
  TransformerConfig config = kTiny;
  config.layers = 2;
  TransformerEncoder encoder(config, generator);
  const Variable x = autograd::parameter(tensor::normal({1, 5, 4}, 0, 1, generator));
  const Variable y = encoder.forward(x, Mask::causal(5)).output;
  const Variable early = slice(y, 1, 0, 3);
  const Variable r = tensor::normal(early.shape(), 0, 1, generator);
  const Variable dx = autograd::grad({early}, {x}, {r})[0];
  CHECK(slice(dx, 1, 3, 5).value().to_vector() == Numbers(8, 0.0));
  for (const double g : slice(dx, 1, 0, 3).value().to_vector()) CHECK(g != 0);
}

TEST_CASE("a sequence alone equals itself in a padded batch to the bit") {
  lib::Generator generator(1);
  for (const Norm norm : {Norm::post, Norm::pre}) {
    TransformerConfig config = kTiny;
    config.norm = norm;
    config.layers = 2;
    EncoderClassifier model(config, generator);
    const Tensor alone = Tensor::of<int64_t>({3, 1, 4}, {1, 3});
    const Numbers expected = rows(model.forward(alone).output, 0, 3);
    for (const int64_t filler : {0, 2}) {
      const Tensor batch = Tensor::of<int64_t>({0, 1, 2, 3, 4, 3, 1, 4, filler, filler}, {2, 5});
      const Variable padded = model.forward(batch, Mask::padding({5, 3}, 5)).output;
      CHECK(rows(padded, 1, 3) == expected);
      CHECK(rows(model.forward(batch).output, 1, 3) != expected);  // the mask forgotten
    }
  }
}

TEST_CASE("a sequence of nothing but padding gives finite logits and gradients") {
  lib::Generator generator(1);
  EncoderClassifier model(kTiny, generator);
  const Variable y = model.forward(some_tokens({2, 4}), Mask::padding({0, 4}, 4)).output;
  for (const double v : y.value().to_vector()) CHECK(std::isfinite(v));
  backward(y, Variable(tensor::normal(y.shape(), 0, 1, generator)));
  for (const Variable& p : model.parameters()) {
    for (const double g : p.grad().value().to_vector()) CHECK(std::isfinite(g));
  }
}

TEST_CASE("evaluation switches every dropout layer off") {
  lib::Generator generator(1);
  TransformerConfig config = kTiny;
  config.dropout = 0.5;
  EncoderClassifier model(config, generator);
  const auto run = [&] { return model.forward(some_tokens({2, 4})).output.value().to_vector(); };
  CHECK(run() != run());
  model.eval();
  CHECK(run() == run());
  config.dropout = 0;
  lib::Generator same(1);
  EncoderClassifier plain(config, same);
  CHECK(run() == plain.forward(some_tokens({2, 4})).output.value().to_vector());
}

TEST_CASE("what a classifier refuses") {
  lib::Generator generator(1);
  const auto build = [&](auto change) {
    TransformerConfig config = kTiny;
    change(config);
    return refusal([&] { EncoderClassifier(config, generator); });
  };
  CHECK(build([](auto& c) { c.heads = 3; }) ==
        "MultiHeadAttention: width 4 is not divisible by heads 3; each head gets width / heads "
        "columns");
  CHECK(build([](auto& c) { c.tied_embeddings = true; }) ==
        "EncoderClassifier: tied_embeddings is set; its input and output share no table");
  CHECK(build([](auto& c) { c.layers = 0; }) == "TransformerEncoder: layers is 0; need at least 1");
  CHECK(build([](auto& c) { c.dropout = 1; }) == "Dropout: probability 1 is outside [0, 1)");
  CHECK(build([](auto& c) { c.vocab = 0; }) == "Linear: in is 0; need at least 1");
  CHECK(build([](auto& c) { c.feed_forward = 0; }) == "Linear: out is 0; need at least 1");
  CHECK(build([](auto& c) { c.max_length = 0; }) ==
        "EncoderClassifier: max_length is 0; need at least 1");

  EncoderClassifier model(kTiny, generator);
  CHECK(refusal([&] { return model.forward(some_tokens({6})); }) ==
        "EncoderClassifier: tokens are (6,); need (B, T)");
  CHECK(refusal([&] {
          return model.forward(some_tokens({1, 6}));
        }) == "EncoderClassifier: sequence length 6 exceeds max_length 5");
  for (const int64_t bad : {-1, 5}) {
    const auto text = refusal([&] { return model.forward(Tensor::of<int64_t>({0, bad}, {1, 2})); });
    CHECK(text.find(std::to_string(bad)) != std::string::npos);
  }
  CHECK(refusal([&] { return model.forward(tensor::ones({1, 3})); }) != "not refused");
  CHECK(refusal([&] {
          return model.forward(some_tokens({2, 4}), Mask::causal(3));
        }) != "not refused");
}
