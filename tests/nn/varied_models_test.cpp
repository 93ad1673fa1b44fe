// Transformers with variations of attention: multi-head attention is the variation between its
// projections, decoding with caches gives the bits of the whole, sinks stay in sight of a window.
#include <doctest/doctest.h>

#include <cmath>

#include "autograd/dependency.h"
#include "autograd/ops.h"
#include "nn/encoder_decoder.h"
#include "nn/language_model.h"
#include "nn/linear_attention.h"
#include "nn/variations.h"
#include "tensor/index.h"
#include "tensor/views.h"
#include "tests/check_gradients.h"
#include "tests/compare.h"
#include "tests/normal.h"

using namespace qkv;
using namespace qkv::nn;
using qkv::tests::normal;
using qkv::tests::refusal;

namespace {

using Numbers = std::vector<double>;

constexpr Variation kAll[] = {Variation::soft_cap, Variation::sink, Variation::kernel,
                              Variation::hard, Variation::linear};

TransformerConfig tiny(Variation variation, int64_t window = 0, int64_t sinks = 0) {
  return {.vocab = 7,
          .source_vocab = 6,
          .width = 16,
          .heads = 4,
          .kv_heads = 2,
          .window = window,
          .sinks = sinks,
          .layers = 2,
          .feed_forward = 20,
          .max_length = 40,
          .positions = Positions::rotary,
          .variation = variation};
}

Tensor some_tokens(const Shape& shape, int64_t vocab) {
  lib::Generator generator(3);
  return tensor::integers(shape, 0, vocab, generator);
}

Numbers step_by_step(NextSymbol& model, const Tensor& tokens) {
  std::vector<Tensor> logits;
  for (int64_t t = 0; t < tokens.shape()[1]; ++t) {
    logits.push_back(model.next(tensor::select(tokens, 1, t).contiguous()));
  }
  return tensor::stack(logits, 1).to_vector();
}

}  // namespace

TEST_CASE("a variation by its name is the variation with its number") {
  const Variable Q = normal({2, 2, 3, 4}, 1), K = normal({2, 2, 5, 4}, 2);
  const Variable V = normal({2, 2, 5, 3}, 3), sink = Tensor::of<double>({0.4, -1}, {2});
  const Mask mask = Mask::causal(3, 5);
  const auto by_name = [&](Variation variation) {
    return varied_attention(variation, Q, K, V, mask, sink).output.value().to_vector();
  };
  const auto same = [](const AttentionOutput& o) { return o.output.value().to_vector(); };
  CHECK(by_name(Variation::soft_cap) == same(soft_capped_attention(Q, K, V, 10, mask)));
  CHECK(by_name(Variation::sink) == same(sink_attention(Q, K, V, sink, mask)));
  CHECK(by_name(Variation::kernel) == same(kernel_attention(Q, K, V, std::sqrt(2), mask)));
  CHECK(by_name(Variation::hard) == same(hard_attention(Q, K, V, mask)));
  CHECK(by_name(Variation::linear) == same(linear_attention(Q, K, V, mask)));
  CHECK(by_name(Variation::none) == same(scaled_dot_product_attention(Q, K, V, mask)));
}

TEST_CASE("heads of queries share keys and values in a variation, and shapes are checked") {
  const Variable Q = normal({1, 4, 3, 2}, 1), K = normal({1, 2, 3, 2}, 2);
  const Variable doubled = autograd::index_select(K, 1, Tensor::of<int64_t>({0, 0, 1, 1}, {4}));
  for (const Variation variation : kAll) {
    CHECK(varied_attention(variation, Q, K, K).output.value().to_vector() ==
          varied_attention(variation, Q, doubled, doubled).output.value().to_vector());
  }
  CHECK(refusal([&] {
          (void)varied_attention(Variation::hard, K, Q, Q);
        }).starts_with("varied_attention: Q is (1, 2, 3, 2), K (1, 4, 3, 2)"));
}

TEST_CASE("models with variations step by step give the logits of the whole to the bit") {
  for (const Variation variation : kAll) {
    for (const bool need_weights : {false, true}) {
      CAPTURE(static_cast<int>(variation));
      for (const int64_t sinks : {0, 2}) {
        lib::Generator generator(1);
        LanguageModel model(tiny(variation, 5, sinks), generator);
        const Tensor tokens = some_tokens({3, 40}, 7);
        const auto whole = model.forward(tokens, {}, need_weights);
        CHECK(whole.weights.size() == (need_weights ? 2 : 0));
        CHECK(step_by_step(*model.begin(3, need_weights), tokens) ==
              whole.logits.value().to_vector());
      }
      lib::Generator generator(1);
      EncoderDecoder model(tiny(variation), generator);
      const Tensor source = some_tokens({3, 19}, 6), target = some_tokens({3, 23}, 7);
      const std::vector<int64_t> lengths = {19, 1, 7};
      const auto whole = model.forward(source, lengths, target, need_weights);
      CHECK(step_by_step(*model.begin(source, lengths, need_weights), target) ==
            whole.logits.value().to_vector());
      CHECK(whole.cross_weights.size() == (need_weights ? 2 : 0));
    }
  }
}

TEST_CASE("the variation acts in every attention of a model") {
  const Tensor source = some_tokens({2, 6}, 6), target = some_tokens({2, 5}, 7);
  lib::Generator generator(1), same(1);
  EncoderDecoder hard(tiny(Variation::hard), generator), plain(tiny(Variation::none), same);
  CHECK(hard.parameter_count() == plain.parameter_count());
  const auto sums_of_squares = [](const std::vector<Variable>& layers) {
    double sum = 0, count = 0;
    for (const Variable& weights : layers) {
      for (const double w : weights.value().to_vector()) sum += w * w;
      count += static_cast<double>(weights.value().numel() / weights.shape()[3]);
    }
    return sum / count;
  };
  const auto of_hard = hard.forward(source, {}, target),
             of_plain = plain.forward(source, {}, target);
  for (const auto& weights :
       {of_hard.encoder_weights, of_hard.self_weights, of_hard.cross_weights}) {
    CHECK(sums_of_squares(weights) == 1);  // one key has it all
  }
  CHECK(sums_of_squares(of_plain.cross_weights) < 0.9);
}

TEST_CASE("multi-head attention learns a sink for each head, and its gradients are right") {
  lib::Generator generator(1);
  MultiHeadAttention module(4, 2, generator, {.kv_heads = 1, .variation = Variation::sink});
  module.to(Dtype::float64);
  CHECK(module.named_parameters().front().name == "sink");
  CHECK(module.sink.shape() == Shape{2});
  tests::check_gradients(
      "multi-head attention with sinks",
      [&](const std::vector<Variable>& x) {
        module.sink = x[1];
        const auto [output, weights] = module.forward(x[0], x[0], x[0], Mask::causal(3));
        return autograd::concat({reshape(output, {2, 12}), reshape(weights, {2, 18})}, -1);
      },
      {normal({2, 3, 4}, 1), Tensor::of<double>({0.4, -1}, {2})});
}

TEST_CASE("the first positions stay in sight of a window") {
  CHECK(Mask::band(4, 4, 1, 1).str() ==
        "# . . .\n"
        "# # . .\n"
        "# . # .\n"
        "# . . #\n");
  TransformerConfig config = tiny(Variation::none, 2, 1);
  config.layers = 1;
  lib::Generator generator(1);
  LanguageModel model(config, generator);
  EncoderDecoder two(config, generator);
  const Tensor tokens = some_tokens({1, 6}, 6);
  const Numbers may = Mask::window(6, 6, 2, 1).allowed().to_vector();
  for (const Variable& weights :
       {model.forward(tokens).weights.at(0), two.forward(tokens, {}, tokens).self_weights.at(0)}) {
    const Numbers seen = weights.value().to_vector();
    for (size_t i = 0; i < seen.size(); ++i) CHECK((seen[i] > 0) == (may[i % 36] > 0));
  }
}

TEST_CASE("what varied models refuse") {
  const auto built = [](TransformerConfig config) {
    lib::Generator generator(1);
    return refusal([&] { const EncoderDecoder model(config, generator); });
  };
  TransformerConfig config = tiny(Variation::kernel);
  config.positions = Positions::alibi;
  CHECK(built(config) ==
        "MultiHeadAttention: alibi positions lower the scores of the plain softmax; they do not go "
        "with a variation of it");
  CHECK(built(tiny(Variation::none, 0, 2)) ==
        "TransformerEncoder: sinks are 2, window is 0; sinks need a window, beside which they stay "
        "in sight");
  CHECK(built(tiny(Variation::none, 3, -1)).starts_with("TransformerEncoder: sinks are -1"));
  lib::Generator generator(1);
  CHECK(refusal([&] {
          const TransformerDecoder decoder(tiny(Variation::none, 0, 2), generator);
        }).starts_with("TransformerDecoder: sinks are 2, window is 0"));
  CHECK(refusal([&] { (void)Mask::band(3, 3, 1, -1); }) ==
        "Mask::band: sinks are -1; need at least 0");
}
