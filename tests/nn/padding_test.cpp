// Padding is not there: a sequence by itself and the same sequence inside a padded batch give the
// same bits, results and gradients; and where nothing at all is left to attend to, all is zero.
#include <doctest/doctest.h>

#include <cmath>
#include <memory>

#include "autograd/dependency.h"
#include "autograd/engine.h"
#include "autograd/ops.h"
#include "nn/decoder.h"
#include "nn/recurrent_layers.h"
#include "nn/score_attention.h"
#include "tests/normal.h"

using namespace qkv;
using namespace qkv::autograd;
using qkv::tests::normal;

namespace {

using Numbers = std::vector<double>;

Numbers numbers(const Variable& x) { return x.value().to_vector(); }

nn::TransformerConfig config(nn::Positions positions = nn::Positions::none, int64_t kv_heads = 0,
                             int64_t window = 0) {
  return {.vocab = 7,
          .width = 8,
          .heads = 2,
          .kv_heads = kv_heads,
          .window = window,
          .layers = 2,
          .feed_forward = 12,
          .norm = nn::Norm::pre,
          .positions = positions,
          .activation = nn::Activation::gelu};
}

// Attention as it was in 2017; turned; falling with distance; near.
const std::vector<nn::TransformerConfig> kConfigs = {config(), config(nn::Positions::rotary, 1),
                                                     config(nn::Positions::alibi),
                                                     config(nn::Positions::none, 1, 6)};

// The first T positions of sequence b.
Variable part(const Variable& x, int64_t b, int64_t T) {
  return slice(slice(x, 0, b, b + 1), 1, 0, T);
}

// A batch of three sequences of up to 21 positions: the second has 13, and is also there alone.
constexpr int64_t kReal = 13, kPadded = 21;
const std::vector<int64_t> kLengths = {5, kReal, 0};

struct Sequences {
  explicit Sequences(Dtype dtype, uint64_t seed = 2)
      : batch(parameter(normal({3, kPadded, 8}, seed, dtype))),
        alone(parameter(part(batch, 1, kReal).value().clone())) {}
  Variable batch, alone;
};

// `model` of the sequence alone, and of the batch, agree to the bit, and no gradient gets to what
// is not the sequence.
template <class OfAlone, class OfBatch>
void check_same_bits(const Sequences& x, const std::vector<Variable>& parameters,
                     const OfAlone& of_alone, const OfBatch& of_batch) {
  const Variable expected = of_alone(x.alone), actual = of_batch(x.batch);
  CHECK(numbers(actual) == numbers(expected));
  const Variable cotangent = normal(expected.shape(), 3, expected.dtype());
  const auto gradients = [&](const Variable& y, const Variable& input) {
    std::vector<Variable> inputs = parameters;
    inputs.push_back(input);
    return grad({y}, inputs, {cotangent});
  };
  const auto wanted = gradients(expected, x.alone), found = gradients(actual, x.batch);
  for (size_t i = 0; i + 1 < wanted.size(); ++i) {
    CHECK_MESSAGE(numbers(found[i]) == numbers(wanted[i]), "parameter ", i);
  }
  const Variable dx = found.back();
  CHECK(numbers(part(dx, 1, kReal)) == numbers(wanted.back()));
  CHECK(numbers(part(dx, 0, kPadded)) == Numbers(kPadded * 8, 0.0));
  CHECK(numbers(part(dx, 2, kPadded)) == Numbers(kPadded * 8, 0.0));
  CHECK(numbers(slice(slice(dx, 0, 1, 2), 1, kReal, kPadded)) ==
        Numbers((kPadded - kReal) * 8, 0.0));
}

}  // namespace

TEST_CASE("an encoder gives the same bits for a sequence alone and in a padded batch") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    for (const bool need_weights : {false, true}) {
      for (const nn::TransformerConfig& c : kConfigs) {
        lib::Generator generator(1);
        nn::TransformerEncoder encoder(c, generator);
        encoder.to(dtype);
        const nn::Mask mask = nn::Mask::padding(kLengths, kPadded);
        check_same_bits(
            Sequences(dtype), encoder.parameters(),
            [&](const Variable& x) { return encoder.forward(x, {}, need_weights).output; },
            [&](const Variable& x) {
              return part(encoder.forward(x, mask, need_weights).output, 1, kReal);
            });
      }
    }
  }
}

TEST_CASE("a decoder gives the same bits for a memory alone and in a padded batch") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    for (const bool need_weights : {false, true}) {
      for (const nn::TransformerConfig& c : kConfigs) {
        lib::Generator generator(1);
        nn::TransformerDecoder decoder(c, generator);
        decoder.to(dtype);
        const Variable targets = normal({3, 6, 8}, 5, dtype);
        const nn::Mask mask = nn::Mask::padding(kLengths, kPadded);
        check_same_bits(
            Sequences(dtype), decoder.parameters(),
            [&](const Variable& memory) {
              return decoder.forward(part(targets, 1, 6), memory, {}, {}, need_weights).output;
            },
            [&](const Variable& memory) {
              return part(decoder.forward(targets, memory, {}, mask, need_weights).output, 1, 6);
            });
      }
    }
  }
}

TEST_CASE("attentions by score and recurrent layers give the same bits in a padded batch") {
  lib::Generator g(1);
  nn::AdditiveAttention attention(8, 8, 5, g);
  const std::unique_ptr<nn::Recurrent> layers[] = {std::make_unique<nn::RNN>(8, 4, g),
                                                   std::make_unique<nn::GRU>(8, 4, g),
                                                   std::make_unique<nn::LSTM>(8, 4, g)};
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    attention.to(dtype);
    const Variable queries = normal({3, 2, 8}, 5, dtype);
    const nn::Mask mask = nn::Mask::padding(kLengths, kPadded);
    check_same_bits(
        Sequences(dtype), attention.parameters(),
        [&](const Variable& x) { return attention.forward(part(queries, 1, 2), x, x).output; },
        [&](const Variable& x) {
          return part(attention.forward(queries, x, x, mask).output, 1, 2);
        });
    for (const auto& layer : layers) {
      layer->to(dtype);
      check_same_bits(
          Sequences(dtype), layer->parameters(),
          [&](const Variable& x) { return layer->forward(x).state.h; },
          [&](const Variable& x) {
            return slice(layer->forward(x, {}, kLengths).state.h, 0, 1, 2);
          });
    }
  }
}

TEST_CASE("recurrent layers in both directions give the same bits in a padded batch") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    for (const nn::Cell cell : {nn::Cell::rnn, nn::Cell::gru, nn::Cell::lstm}) {
      lib::Generator generator(1);
      nn::RecurrentLayers layers(
          {.cell = cell, .in = 8, .hidden = 4, .layers = 2, .bidirectional = true}, generator);
      layers.to(dtype);
      const auto all_of = [](const nn::RecurrentLayersOutput& result, int64_t b) {
        std::vector<Variable> parts = {reshape(part(result.output, b, kReal), {kReal * 8})};
        for (const nn::RecurrentState& state : result.states) {
          parts.push_back(select(state.h, 0, b));
        }
        return concat(parts, 0);
      };
      check_same_bits(
          Sequences(dtype), layers.parameters(),
          [&](const Variable& x) { return all_of(layers.forward(x), 0); },
          [&](const Variable& x) { return all_of(layers.forward(x, {}, kLengths), 1); });
    }
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
