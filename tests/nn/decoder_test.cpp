// The Transformer decoder: put together as the paper's figure shows, blind to what comes later and
// to padding, to the bit, and with an eye on every position of the memory.
#include "nn/decoder.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/engine.h"
#include "autograd/grad_check.h"
#include "autograd/ops.h"
#include "tests/compare.h"
#include "tests/normal.h"

using namespace qkv;
using namespace qkv::nn;
using qkv::tests::normal;
using qkv::tests::refusal;
using qkv::tests::relative_error;

namespace {

using Numbers = std::vector<double>;

constexpr TransformerConfig kTiny = {.width = 4, .heads = 2, .layers = 2, .feed_forward = 6};

Tensor normal32(const Shape& shape, uint64_t seed) { return normal(shape, seed, Dtype::float32); }
Numbers numbers(const Variable& x) { return x.value().to_vector(); }

TransformerConfig with_norm(Norm norm) {
  TransformerConfig config = kTiny;
  config.norm = norm;
  return config;
}

// Positions [begin, end) of sequence b.
Variable part(const Variable& x, int64_t b, int64_t begin, int64_t end) {
  return slice(slice(x, 0, b, b + 1), 1, begin, end);
}

}  // namespace

TEST_CASE("decoder layers are their sublayers put together as the paper's figure shows") {
  for (const Norm norm : {Norm::post, Norm::pre}) {
    lib::Generator generator(1);
    DecoderLayer layer(with_norm(norm), generator);
    uint64_t seed = 3;
    for (LayerNorm* each : {&layer.norm1, &layer.norm2, &layer.norm3}) {  // they start all alike
      each->weight.mutable_value().copy_(normal32({4}, seed++));
      each->bias.mutable_value().copy_(normal32({4}, seed++));
    }
    const Variable x = normal32({2, 3, 4}, 1), memory = normal32({2, 5, 4}, 2);
    const Mask mask = Mask::causal(3), memory_mask = Mask::padding({5, 2}, 5);
    const auto self = [&](const Variable& q) {
      return layer.self_attention.forward(q, q, q, mask).output;
    };
    const auto cross = [&](const Variable& q) {
      return layer.cross_attention.forward(q, memory, memory, memory_mask).output;
    };
    Variable y;
    if (norm == Norm::post) {
      const Variable first = layer.norm1.forward(x + self(x));
      const Variable second = layer.norm2.forward(first + cross(first));
      y = layer.norm3.forward(second + layer.feed_forward.forward(second));
    } else {
      const Variable first = x + self(layer.norm1.forward(x));
      const Variable second = first + cross(layer.norm2.forward(first));
      y = second + layer.feed_forward.forward(layer.norm3.forward(second));
    }
    const auto result = layer.forward(x, memory, mask, memory_mask);
    CHECK(numbers(result.output) == numbers(y));
    CHECK(result.self_weights.shape() == Shape{2, 2, 3, 3});
    CHECK(result.cross_weights.shape() == Shape{2, 2, 3, 5});
    for (const Variable& weights : {result.self_weights, result.cross_weights}) {
      for (const double total : numbers(sum(weights, {-1}))) CHECK(std::abs(total - 1) <= 1e-6);
    }
  }
}

TEST_CASE("a decoder is its layers one on top of the other") {
  lib::Generator generator(1);
  TransformerDecoder decoder(kTiny, generator);
  const Variable x = normal32({2, 3, 4}, 1), memory = normal32({2, 5, 4}, 2);
  const Mask self = Mask::causal(3) & Mask::padding({3, 2}, 3), seen = Mask::padding({5, 2}, 5);
  const auto first = decoder.layers[0]->forward(x, memory, self, seen);
  const auto second = decoder.layers[1]->forward(first.output, memory, self, seen);
  const DecoderOutput whole = decoder.forward(x, memory, Mask::padding({3, 2}, 3), seen);
  CHECK(numbers(whole.output) == numbers(second.output));
  REQUIRE(whole.self_weights.size() == 2);
  REQUIRE(whole.cross_weights.size() == 2);
  CHECK(numbers(whole.self_weights[0]) == numbers(first.self_weights));
  CHECK(numbers(whole.cross_weights[1]) == numbers(second.cross_weights));
  const DecoderOutput quick = decoder.forward(x, memory, Mask::padding({3, 2}, 3), seen, false);
  CHECK(quick.self_weights.empty());
  CHECK(quick.cross_weights.empty());
  CHECK(relative_error(quick.output.value(), whole.output.value()) <= 1e-5);
}

TEST_CASE("a decoder does not see later positions to the bit nor send them gradients") {
  for (const Norm norm : {Norm::post, Norm::pre}) {
    lib::Generator generator(1);
    TransformerDecoder decoder(with_norm(norm), generator);
    const Variable memory = normal32({1, 3, 4}, 2), x = autograd::parameter(normal32({1, 5, 4}, 1));
    const Variable all = decoder.forward(x, memory).output;
    for (int64_t t = 1; t < 5; ++t) {
      CHECK(numbers(decoder.forward(slice(x, 1, 0, t), memory).output) ==
            numbers(slice(all, 1, 0, t)));
    }
    const Variable r = normal32({1, 3, 4}, 3);
    const Variable d = autograd::grad({slice(all, 1, 0, 3)}, {x}, {r})[0];
    CHECK(numbers(slice(d, 1, 3, 5)) == Numbers(8, 0.0));
    for (const double g : numbers(slice(d, 1, 0, 3))) CHECK(g != 0);
  }
}

TEST_CASE("every position of the memory reaches every output and padding reaches none") {
  lib::Generator generator(1);
  TransformerDecoder decoder(kTiny, generator);
  const Variable x = normal32({2, 3, 4}, 1), memory = autograd::parameter(normal32({2, 5, 4}, 2));
  const Variable y = decoder.forward(x, memory, {}, Mask::padding({5, 2}, 5)).output;
  for (int64_t t = 0; t < 3; ++t) {
    const Variable r = normal32({2, 1, 4}, 3);
    const Variable d =
        autograd::grad({slice(y, 1, t, t + 1)}, {memory}, {r}, {.retain_graph = true})[0];
    for (const double g : numbers(part(d, 0, 0, 5))) CHECK(g != 0);
    for (const double g : numbers(part(d, 1, 0, 2))) CHECK(g != 0);
    CHECK(numbers(part(d, 1, 2, 5)) == Numbers(12, 0.0));
  }
}

TEST_CASE("a pair of sequences alone equals itself in a padded batch of a decoder to the bit") {
  for (const Norm norm : {Norm::post, Norm::pre}) {
    lib::Generator generator(1);
    TransformerDecoder decoder(with_norm(norm), generator);
    const Variable x = normal32({2, 4, 4}, 1), memory = normal32({2, 5, 4}, 2);
    const Variable batch =
        decoder.forward(x, memory, Mask::padding({4, 2}, 4), Mask::padding({5, 3}, 5)).output;
    const Variable alone = decoder.forward(part(x, 1, 0, 2), part(memory, 1, 0, 3)).output;
    CHECK(numbers(part(batch, 1, 0, 2)) == numbers(alone));
    CHECK(numbers(part(decoder.forward(x, memory).output, 1, 0, 2)) != numbers(alone));
  }
}

TEST_CASE("a decoder whose memory is nothing but padding stays finite") {
  lib::Generator generator(1);
  TransformerDecoder decoder(kTiny, generator);
  const Variable x = normal32({2, 3, 4}, 1), memory = autograd::parameter(normal32({2, 5, 4}, 2));
  const Variable y = decoder.forward(x, memory, {}, Mask::padding({0, 5}, 5)).output;
  for (const double v : numbers(y)) CHECK(std::isfinite(v));
  const Variable r = normal32({2, 3, 4}, 3);
  const Variable d = autograd::grad({y}, {memory}, {r})[0];
  CHECK(numbers(slice(d, 0, 0, 1)) == Numbers(20, 0.0));
  for (const double g : numbers(d)) CHECK(std::isfinite(g));
}

TEST_CASE("evaluation switches the dropout of a decoder off") {
  lib::Generator generator(1), same(1);
  TransformerConfig config = kTiny;
  config.dropout = 0.5;
  TransformerDecoder decoder(config, generator), plain(kTiny, same);
  const Variable x = normal32({2, 3, 4}, 1), memory = normal32({2, 5, 4}, 2);
  const auto run = [&](TransformerDecoder& d) { return numbers(d.forward(x, memory).output); };
  CHECK(run(decoder) != run(decoder));
  decoder.eval();
  CHECK(run(decoder) == run(plain));
}

TEST_CASE("parameters of a decoder have names that say where they belong") {
  lib::Generator generator(1);
  const TransformerDecoder decoder(kTiny, generator);
  const auto named = decoder.named_parameters();
  CHECK(named.size() == 2 * (8 + 8 + 4 + 6));
  CHECK(named[0].name == "0.self_attention.query.weight");
  CHECK(named[8].name == "0.cross_attention.query.weight");
  CHECK(named[16].name == "0.feed_forward.linear1.weight");
  CHECK(named[51].name == "1.norm3.bias");
}

TEST_CASE("what a decoder refuses") {
  lib::Generator generator(1);
  TransformerConfig none = kTiny;
  none.layers = 0;
  CHECK(refusal([&] { TransformerDecoder(none, generator); }) ==
        "TransformerDecoder: layers is 0; need at least 1");
  TransformerDecoder decoder(kTiny, generator);
  const Variable x = tensor::ones({2, 3, 4}), memory = tensor::ones({2, 5, 4});
  CHECK(refusal([&] {
          return decoder.forward(tensor::ones({3, 4}), memory);
        }) == "TransformerDecoder: x is (3, 4); need (B, T, C)");
  CHECK(refusal([&] {
          return decoder.forward(x, tensor::ones({5, 4}));
        }) == "MultiHeadAttention: input is (5, 4); need (B, T, C)");
  CHECK(refusal([&] {
          return decoder.forward(x, memory, Mask::padding({1, 2}, 5));
        }) != "not refused");
  CHECK(refusal([&] {
          return decoder.forward(x, memory, {}, Mask::padding({1, 2}, 3));
        }) != "not refused");
  CHECK(refusal([&] { return decoder.forward(x, tensor::ones({3, 5, 4})); }) != "not refused");
  std::vector<DecoderCache> no_caches;
  CHECK(refusal([&] {
          return decoder.forward(x, no_caches);
        }).starts_with("TransformerDecoder: there are 0 caches for "));
}
