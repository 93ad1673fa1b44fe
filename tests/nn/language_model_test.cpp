// The language model: what it sees, to the bit; tied embeddings; every kind of positions, grouped
// heads and windows. Its gradients are rows of the gradient check (examples/checks).
#include "nn/language_model.h"

#include <doctest/doctest.h>

#include <set>

#include "autograd/dependency.h"
#include "autograd/engine.h"
#include "autograd/ops.h"
#include "nn/checkpoint.h"
#include "nn/safetensors.h"
#include "tensor/elementwise.h"
#include "tensor/views.h"
#include "tests/compare.h"
#include "tests/nn/transformer_models.h"
#include "tests/normal.h"
#include "tests/temporary.h"

using namespace qkv;
using namespace qkv::nn;
using namespace qkv::tests;
using qkv::autograd::dependency;

namespace {

using Numbers = std::vector<double>;

}  // namespace

TEST_CASE("a language model depends on nothing to the right and on no other sequence") {
  for (const Positions positions : kAllPositions) {
    for (const bool need_weights : {false, true}) {
      TransformerConfig config = kTiny;
      config.positions = positions;
      config.kv_heads = 1;
      lib::Generator generator(1);
      LanguageModel model(config, generator);
      model.to(Dtype::float64);
      const auto [logits, weights] = model.forward(some_tokens({2, 3}), {}, need_weights);
      CHECK(weights.size() == (need_weights ? 2 : 0));
      CHECK(dependency(logits, embedded(logits)).str() ==
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

TEST_CASE("a window of one layer ends exactly where it says and layers add up") {
  for (const bool need_weights : {false, true}) {
    const auto picture = [&](int64_t layers) {
      TransformerConfig config = kTiny;
      config.window = 2;
      config.layers = layers;
      lib::Generator generator(1);
      LanguageModel model(config, generator);
      model.to(Dtype::float64);
      const Variable logits = model.forward(some_tokens({1, 5}), {}, need_weights).logits;
      return dependency(logits, embedded(logits)).str();
    };
    CHECK(picture(1) == Mask::window(5, 5, 2).str());
    CHECK(picture(2) == Mask::window(5, 5, 3).str());
  }
}

TEST_CASE("a sequence alone equals itself in a padded batch to the bit in a language model") {
  for (const Positions positions : kAllPositions) {
    for (const bool need_weights : {false, true}) {
      TransformerConfig config = kTiny;
      config.positions = positions;
      lib::Generator generator(1);
      LanguageModel model(config, generator);
      const Tensor batch = some_tokens({2, 9});
      const Tensor alone = tensor::slice(tensor::slice(batch, 0, 1, 2), 1, 0, 5);
      const Numbers expected = rows(model.forward(alone, {}, need_weights).logits, 0, 5);
      CHECK(rows(model.forward(batch, {9, 5}, need_weights).logits, 1, 5) == expected);
      CHECK(rows(model.forward(batch, {}, need_weights).logits, 1, 5) == expected);  // it is causal
    }
  }
}

TEST_CASE("tied embeddings are one parameter whose gradient is the sum of both uses") {
  TransformerConfig config = kTiny;
  config.tied_embeddings = true;
  lib::Generator generator(1);
  LanguageModel tied(config, generator);
  tied.to(Dtype::float64);
  int tables = 0;
  for (const NamedParameter& named : tied.named_parameters()) {
    tables += named.parameter->shape() == Shape{7, 8} ? 1 : 0;
  }
  CHECK(tables == 1);
  config.tied_embeddings = false;
  lib::Generator same(1);
  LanguageModel free(config, same);
  CHECK(free.parameter_count() == tied.parameter_count() + 7 * 8 + 7);

  // The same numbers in two tables: what they get together is what the one gets.
  free.to(Dtype::float64);
  const auto of_tied = tied.named_parameters(), of_free = free.named_parameters();
  for (size_t i = 0; i < of_tied.size(); ++i) {
    CHECK(of_free[i].name == of_tied[i].name);
    of_free[i].parameter->mutable_value().copy_(of_tied[i].parameter->value());
  }
  const Variable table = tied.input.embedding.weight;
  free.output.linear->weight.mutable_value().copy_(table.value());
  free.output.linear->bias.mutable_value().fill_(0);
  const Tensor tokens = some_tokens({2, 5});
  const Variable x = tied.forward(tokens).logits, y = free.forward(tokens).logits;
  CHECK(relative_error(y.value(), x.value()) <= 1e-14);
  const Variable r = tests::normal(x.shape(), 3);
  const auto one = autograd::grad({x}, {table}, {r});
  const auto two =
      autograd::grad({y}, {free.input.embedding.weight, free.output.linear->weight}, {r});
  CHECK(relative_error(one[0].value(), (two[0] + two[1]).value()) <= 1e-13);
  CHECK(relative_error(one[0].value(), two[0].value()) > 0.1);
}

TEST_CASE("a tied table is saved once and loaded for both uses") {
  TransformerConfig config = kTiny;
  config.tied_embeddings = true;
  lib::Generator generator(1), other(2);
  LanguageModel model(config, generator), loaded(config, other);
  const tests::TemporaryFolder folder;
  save_parameters(folder / "tied.safetensors", model);
  std::set<std::string> keys, tables;
  for (const auto& [name, value] : load_safetensors(folder / "tied.safetensors").tensors) {
    keys.insert(name);
    if (value.shape() == Shape{7, 8}) tables.insert(name);
  }
  CHECK(keys.size() == model.named_parameters().size());
  CHECK(tables == std::set<std::string>{"input.embedding.weight"});
  load_parameters(folder / "tied.safetensors", loaded);
  const Tensor tokens = some_tokens({1, 4});
  CHECK(loaded.forward(tokens).logits.value().to_vector() ==
        model.forward(tokens).logits.value().to_vector());
}

TEST_CASE("shifting all positions leaves relative models as they are and moves the others") {
  for (const Positions positions : kAllPositions) {
    TransformerConfig config = kTiny;
    config.positions = positions;
    config.window = 4;
    config.layers = 1;
    lib::Generator generator(1);
    LanguageModel model(config, generator);
    model.to(Dtype::float64);
    // The last 4 symbols are the same; what stands before is out of the last one's window.
    const Tensor far = Tensor::of<int64_t>({0, 1, 2, 3, 4, 5, 6, 3, 1, 2}, {1, 10});
    const Tensor near = Tensor::of<int64_t>({4, 5, 6, 3, 1, 2}, {1, 6});
    const Variable a = slice(model.forward(far).logits, 1, 9, 10);
    const Variable b = slice(model.forward(near).logits, 1, 5, 6);
    const bool relative = positions != Positions::sinusoidal && positions != Positions::learned;
    CHECK((relative_error(a.value(), b.value()) <= 1e-13) == relative);
  }
}

TEST_CASE("the order of earlier symbols matters if positions are given") {
  for (const Positions positions : kAllPositions) {
    TransformerConfig config = kTiny;
    config.positions = positions;
    config.layers = 1;  // with more layers the causal mask itself gives positions away
    lib::Generator generator(1);
    LanguageModel model(config, generator);
    model.to(Dtype::float64);
    const auto last = [&](const std::vector<int64_t>& tokens) {
      return slice(model.forward(Tensor::of(tokens, {1, 4})).logits, 1, 3, 4).value();
    };
    const double change = relative_error(last({3, 1, 2, 0}), last({1, 2, 3, 0}));
    CHECK((change <= 1e-13) == (positions == Positions::none));
  }
}

TEST_CASE("dropout acts in training only and decoding refuses it") {
  TransformerConfig config = kTiny;
  config.dropout = 0.3;
  lib::Generator generator(1);
  LanguageModel model(config, generator);
  const auto run = [&] { return model.forward(some_tokens({1, 4})).logits.value().to_vector(); };
  CHECK(run() != run());
  CHECK(refusal([&] { (void)model.begin(1); }) ==
        "LanguageModel: begin while dropout 0.3 is on; call eval() first");
  model.eval();
  CHECK(run() == run());
  CHECK(model.begin(2)->next(Tensor::of<int64_t>({1, 2}, {2})).shape() == Shape{2, 7});
  const auto decoding = model.begin(2);
  (void)decoding->prompt(some_tokens({2, 3}));
  (void)decoding->next(Tensor::of<int64_t>({1, 2}, {2}));
  CHECK_FALSE(decoding->weights().defined());  // there is no source to look at
  REQUIRE(decoding->last().weights.size() == 2);
  CHECK(decoding->last().weights[1].shape() == Shape{2, 2, 1, 4});  // but there are earlier symbols
}

TEST_CASE("what a language model refuses") {
  const auto build = [&](auto change) {
    TransformerConfig config = kTiny;
    change(config);
    lib::Generator generator(1);
    return refusal([&] { LanguageModel(config, generator); });
  };
  CHECK(
      build([](auto& c) { c.kv_heads = 3; }) ==
      "MultiHeadAttention: heads 2 is not divisible by kv_heads 3; as many heads of queries share "
      "each head of keys and values");
  CHECK(build([](auto& c) { c.heads = 8, c.positions = Positions::rotary; }) ==
        "MultiHeadAttention: width 8 over 8 heads leaves 1 columns each; rotary positions turn "
        "pairs of them");
  CHECK(build([](auto& c) { c.window = -1; }) ==
        "TransformerEncoder: window is -1; need at least 0");
  CHECK(build([](auto& c) { c.max_length = 0; }) ==
        "LanguageModel: max_length is 0; need at least 1");
  CHECK(build([](auto& c) { c.vocab = 0; }) == "Embedding: vocab is 0; need at least 1");
  lib::Generator generator(1);
  LanguageModel model(kTiny, generator);
  CHECK(refusal([&] { (void)model.forward(some_tokens({6})); }) ==
        "LanguageModel: tokens are (6,); need (B, T)");
  CHECK(refusal([&] {
          (void)model.forward(some_tokens({1, 17}));
        }) == "LanguageModel: sequence length 17 exceeds max_length 16");
  CHECK(refusal([&] { (void)model.forward(Tensor::of<int64_t>({7}, {1, 1})); }) != "not refused");
  CHECK(refusal([&] {
          (void)model.forward(some_tokens({2, 3}), {1});
        }) == "LanguageModel: there are 1 lengths for 2 sequences; need one for each");
  const auto decoding = model.begin(1);
  (void)decoding->prompt(some_tokens({1, 16}));
  std::vector<KeyValueCache> none;
  CHECK(refusal([&] {
          (void)model.forward(some_tokens({1, 2}), none);
        }) == "TransformerEncoder: there are 0 caches for 2 layers; need one for each");
  CHECK(refusal([&] { (void)decoding->next(some_tokens({1})); }) ==
        "LanguageModel: sequence length 17 exceeds max_length 16");
}
