// The encoder-decoder: who sees whom, padding to the bit, its two tables, norms at the ends, and a
// small task learned. Step by step: kv_cache_test.cpp.
#include "nn/encoder_decoder.h"

#include <doctest/doctest.h>

#include "autograd/dependency.h"
#include "autograd/engine.h"
#include "autograd/ops.h"
#include "nn/optimizer.h"
#include "tensor/views.h"
#include "tests/compare.h"
#include "tests/nn/transformer_models.h"

using namespace qkv;
using namespace qkv::nn;
using namespace qkv::tests;
using qkv::autograd::dependency;

TEST_CASE("an encoder-decoder sees all of its source and no later target") {
  for (const Positions positions : kAllPositions) {
    for (const bool need_weights : {false, true}) {
      TransformerConfig config = kTiny;
      config.positions = positions;
      config.kv_heads = 1;
      lib::Generator generator(1);
      EncoderDecoder model(config, generator);
      model.to(Dtype::float64);
      const Tensor source = some_tokens({2, 4}, 5), target = some_tokens({2, 3}, 7);
      const Variable logits = model.forward(source, {4, 2}, target, need_weights).logits;
      CHECK(dependency(logits, embedded(logits, 0)).str() ==
            "# # # #   . . . .\n"
            "# # # #   . . . .\n"
            "# # # #   . . . .\n"
            "\n"
            ". . . .   # # . .\n"
            ". . . .   # # . .\n"
            ". . . .   # # . .\n");
      CHECK(dependency(logits, embedded(logits, 1)).str() ==
            "# . .   . . .\n"
            "# # .   . . .\n"
            "# # #   . . .\n"
            "\n"
            ". . .   # . .\n"
            ". . .   # # .\n"
            ". . .   # # #\n");
    }
  }
}

TEST_CASE("a window narrows both self-attentions and not the look at the source") {
  TransformerConfig config = kTiny;
  config.window = 2;
  config.layers = 1;
  lib::Generator generator(1);
  EncoderDecoder model(config, generator);
  model.to(Dtype::float64);
  const Tensor source = some_tokens({1, 5}, 5), target = some_tokens({1, 4}, 7);
  const auto result = model.forward(source, {}, target);
  CHECK(dependency(result.logits, embedded(result.logits, 1)).str() == Mask::window(4, 4, 2).str());
  const Variable memory = model.encode(source, {}).output;
  CHECK(dependency(memory, embedded(memory, 0)).str() ==
        "# # . . .\n# # # . .\n. # # # .\n. . # # #\n. . . # #\n");
  for (const double weight : result.cross_weights[0].value().to_vector()) CHECK(weight > 0);
}

TEST_CASE("a pair alone equals itself in a padded batch to the bit") {
  for (const Positions positions : kAllPositions) {
    for (const bool need_weights : {false, true}) {
      TransformerConfig config = kTiny;
      config.positions = positions;
      config.norm = positions == Positions::rotary ? Norm::post : Norm::pre;
      lib::Generator generator(1);
      EncoderDecoder model(config, generator);
      const Tensor source = some_tokens({2, 9}, 5), target = some_tokens({2, 6}, 7);
      const auto part = [](const Tensor& x, int64_t length) {
        return tensor::slice(tensor::slice(x, 0, 1, 2), 1, 0, length);
      };
      const auto alone = model.forward(part(source, 4), {}, part(target, 3), need_weights);
      const auto batch = model.forward(source, {9, 4}, target, need_weights);
      CHECK(rows(batch.logits, 1, 3) == rows(alone.logits, 0, 3));
      const auto forgotten = model.forward(source, {}, target, need_weights);
      CHECK(rows(forgotten.logits, 1, 3) != rows(alone.logits, 0, 3));
    }
  }
}

TEST_CASE("shapes of everything that an encoder-decoder shows") {
  lib::Generator generator(1);
  EncoderDecoder model(kTiny, generator);
  const auto r = model.forward(some_tokens({3, 5}, 5), {5, 2, 1}, some_tokens({3, 4}, 7));
  CHECK(r.logits.shape() == Shape{3, 4, 7});
  REQUIRE(r.encoder_weights.size() == 2);
  REQUIRE(r.self_weights.size() == 2);
  REQUIRE(r.cross_weights.size() == 2);
  CHECK(r.encoder_weights[1].shape() == Shape{3, 2, 5, 5});
  CHECK(r.self_weights[1].shape() == Shape{3, 2, 4, 4});
  CHECK(r.cross_weights[1].shape() == Shape{3, 2, 4, 5});
}

TEST_CASE("only pre-norm models end in norms and only untied ones have a layer for logits") {
  const auto names = [](Norm norm, bool tied) {
    TransformerConfig config = kTiny;
    config.norm = norm;
    config.tied_embeddings = tied;
    lib::Generator generator(1);
    const EncoderDecoder model(config, generator);
    int found = 0;
    for (const auto& named : model.named_parameters()) {
      if (named.name == "encoder_norm.weight" || named.name == "output.norm.weight") found += 1;
      if (named.name == "output.linear.weight") found += 10;
      if (named.name.ends_with("embedding.weight")) found += 100;
    }
    return found;
  };
  CHECK(names(Norm::pre, false) == 212);
  CHECK(names(Norm::pre, true) == 202);
  CHECK(names(Norm::post, false) == 210);
  CHECK(names(Norm::post, true) == 200);
}

// The last two symbols in reverse order, written after BOS = 5.
TEST_CASE("an encoder-decoder learns to turn round what it reads") {
  lib::Generator generator(1), data(2);
  TransformerConfig config = kTiny;
  config.positions = Positions::rotary;
  config.width = 16;
  config.feed_forward = 32;
  EncoderDecoder model(config, generator);
  Adam optimizer(model.parameters(), {.learning_rate = 0.005});
  double loss_at_last = 0;
  for (int step = 0; step < 200; ++step) {
    std::vector<int64_t> read, input, target;
    for (int b = 0; b < 16; ++b) {
      const int64_t x = data.integer(0, 5), y = data.integer(0, 5), z = data.integer(0, 5);
      read.insert(read.end(), {x, y, z});
      input.insert(input.end(), {5, z, y});
      target.insert(target.end(), {z, y, 6});
    }
    const Variable logits =
        model.forward(Tensor::of(read, {16, 3}), {}, Tensor::of(input, {16, 3}), false).logits;
    const Variable loss = cross_entropy(logits, Tensor::of(target, {16, 3}));
    loss_at_last = loss.item();
    model.zero_grad();
    autograd::backward(loss);
    optimizer.step();
  }
  CHECK(loss_at_last <= 0.05);
  const Tensor source = Tensor::of<int64_t>({0, 3, 1, 4, 4, 2}, {2, 3});
  const Decoded written =
      greedy(*model.begin(source, {}), 2, {.bos = 5, .eos = 6, .max_length = 6});
  CHECK(written.symbols == std::vector<std::vector<int64_t>>{{1, 3}, {2, 4}});
  CHECK(written.weights[0].shape() == Shape{2, 3});
  const Decoded best =
      beam_search(*model.begin(source, {}), 2, {.bos = 5, .eos = 6, .max_length = 6}, {.width = 3});
  CHECK(best.symbols == written.symbols);
}

TEST_CASE("after rows have changed places so have the weights of their last step") {
  lib::Generator generator(1);
  EncoderDecoder model(kTiny, generator);
  model.eval();
  const auto decoding = model.begin(some_tokens({3, 4}, 5), {4, 2, 3});
  static_cast<void>(decoding->next(Tensor::of<int64_t>({1, 2, 3}, {3})));
  const std::vector<double> before = decoding->weights().to_vector();  // (3, 4)
  decoding->reorder({2, 0});
  const std::vector<double> after = decoding->weights().to_vector();  // (2, 4)
  REQUIRE(after.size() == 8);
  CHECK(std::equal(after.begin(), after.begin() + 4, before.begin() + 8));
  CHECK(std::equal(after.begin() + 4, after.end(), before.begin()));
}

TEST_CASE("what an encoder-decoder refuses") {
  lib::Generator generator(1);
  EncoderDecoder model(kTiny, generator);
  const Tensor source = some_tokens({2, 3}, 5), target = some_tokens({2, 4}, 7);
  CHECK(refusal([&] { (void)model.forward(some_tokens({3}, 5), {}, target); }) ==
        "EncoderDecoder: source: tokens are (3,); need (B, T)");
  CHECK(refusal([&] {
          (void)model.forward(some_tokens({2, 17}, 5), {}, target);
        }) == "EncoderDecoder: source: sequence length 17 exceeds max_length 16");
  CHECK(refusal([&] {
          (void)model.forward(source, {}, some_tokens({2, 17}, 7));
        }) == "EncoderDecoder: target: sequence length 17 exceeds max_length 16");
  CHECK(refusal([&] { (void)model.forward(source, {3}, target); }) ==
        "EncoderDecoder: source: there are 1 lengths for 2 sequences; need one for each");
  CHECK(refusal([&] {
          (void)model.forward(source, {3, 4}, target);
        }) == "EncoderDecoder: source: length 4 is outside [0, 3]");
  for (const int64_t batch : {1, 3}) {
    CHECK(refusal([&] {
            (void)model.forward(source, {}, some_tokens({batch, 4}, 7));
          }).starts_with("EncoderDecoder: source is (2, 3), target "));
  }
  TransformerConfig dropping = kTiny;
  dropping.dropout = 0.5;
  EncoderDecoder dropper(dropping, generator);
  CHECK(refusal([&] { (void)dropper.begin(source, {}); }) ==
        "EncoderDecoder: begin while dropout 0.5 is on; call eval() first");
  CHECK(refusal([&] { (void)model.begin(some_tokens({3}, 5), {}); }) ==
        "EncoderDecoder: source: tokens are (3,); need (B, T)");
}
