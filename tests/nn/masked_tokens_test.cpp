// Masked tokens: which positions are asked for and what they show, counted; and a classifier that
// learns from nothing else.
#include "nn/masked_tokens.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "nn/optimizer.h"
#include "nn/transformer.h"
#include "tests/compare.h"
#include "tests/nn/transformer_models.h"

using namespace qkv;
using namespace qkv::nn;
using qkv::tests::refusal;
using qkv::tests::some_tokens;

TEST_CASE("of 15 percent of the positions most are hidden and some lie and some stay") {
  const Tensor tokens = some_tokens({500, 40}, 9, 1);
  lib::Generator generator(2);
  const MaskedTokens m = mask_tokens(tokens, {}, {.vocab = 9}, generator);
  int64_t chosen = 0, hidden = 0, stay = 0;
  const auto x = tokens.to_vector(), input = m.input.to_vector(), target = m.targets.to_vector();
  for (size_t i = 0; i < x.size(); ++i) {
    if (target[i] == -100) {
      CHECK(input[i] == x[i]);
      continue;
    }
    CHECK(target[i] == x[i]);
    ++chosen;
    hidden += input[i] == 9 ? 1 : 0;
    stay += input[i] == x[i] ? 1 : 0;
  }
  CHECK(chosen == 500 * 6);  // 15 % of 40
  const auto off = [&](int64_t count, double share) {
    return std::abs(static_cast<double>(count) / static_cast<double>(chosen) - share);
  };
  CHECK(off(hidden, 0.8) <= 0.03);  // 4 standard deviations
  CHECK(off(stay, 0.1 + 0.1 / 9) <= 0.025);
}

TEST_CASE("padding is never chosen and a real sequence always has a target") {
  const Tensor tokens = some_tokens({4, 9}, 5, 1);
  const std::vector<int64_t> lengths = {1, 9, 3, 0}, expected = {1, 1, 1, 0};
  lib::Generator generator(2);
  std::vector<int64_t> place_of_second(9);
  for (int round = 0; round < 200; ++round) {
    const MaskedTokens m = mask_tokens(tokens, lengths, {.vocab = 5, .mask_symbol = 5}, generator);
    for (int64_t b = 0; b < 4; ++b) {
      int64_t count = 0;
      for (int64_t t = 0; t < 9; ++t) {
        if (m.targets.at({b, t}) == -100) continue;
        CHECK(t < lengths[static_cast<size_t>(b)]);
        ++count;
        if (b == 1) ++place_of_second[static_cast<size_t>(t)];
      }
      CHECK(count == expected[static_cast<size_t>(b)]);
    }
  }
  for (const int64_t count : place_of_second) CHECK(count > 5);  // 22 on average
}

TEST_CASE("the same generator hides the same") {
  const Tensor tokens = some_tokens({3, 20}, 5, 1);
  const auto run = [&](uint64_t seed) {
    lib::Generator generator(seed);
    return mask_tokens(tokens, {}, {.vocab = 5}, generator).input.to_vector();
  };
  CHECK(run(3) == run(3));
  CHECK(run(3) != run(4));
}

// Sequences that go round: 2 3 0 1 2 3 0 ... Whoever looks at a neighbour knows what is hidden.
TEST_CASE("a classifier learns to tell what is hidden") {
  lib::Generator generator(1), data(2);
  EncoderClassifier model({.vocab = 5, .width = 16, .heads = 2, .feed_forward = 32}, generator);
  Adam optimizer(model.parameters(), {.learning_rate = 0.01});
  const auto loss_of = [&] {
    std::vector<int64_t> tokens;
    for (int64_t b = 0; b < 16; ++b) {
      const int64_t first = data.integer(0, 4);
      for (int64_t t = 0; t < 8; ++t) tokens.push_back((first + t) % 4);
    }
    const MaskedTokens m =
        mask_tokens(Tensor::of(tokens, {16, 8}), {}, {.vocab = 4, .mask_symbol = 4}, data);
    return cross_entropy(model.forward(m.input, {}, false).output, m.targets);
  };
  const double at_first = loss_of().item();
  double at_last = 0;
  for (int step = 0; step < 500; ++step) {
    const Variable loss = loss_of();
    at_last = loss.item();
    model.zero_grad();
    autograd::backward(loss);
    optimizer.step();
  }
  CHECK(at_first >= 1);
  CHECK(at_last <= 0.1);
}

TEST_CASE("what masking refuses") {
  const auto mask = [](const Shape& shape, const std::vector<int64_t>& lengths,
                       const MaskedTokensOptions& options) {
    return refusal([&] {
      lib::Generator generator(1);
      return mask_tokens(some_tokens(shape, 5, 1), lengths, options, generator);
    });
  };
  const MaskedTokensOptions right{.vocab = 5, .mask_symbol = 5};
  CHECK(mask({6}, {}, right) == "mask_tokens: tokens are (6,); need (B, T)");
  CHECK(mask({2, 6}, {1}, right) ==
        "mask_tokens: there are 1 lengths for 2 sequences; need one for each");
  CHECK(mask({2, 6}, {1, 7}, right) == "mask_tokens: length 7 is outside [0, 6]");
  CHECK(mask({2, 6}, {}, {.vocab = 2}) != "not refused");
  CHECK(mask({2, 6}, {}, {.vocab = 5, .mask_symbol = -2}) ==
        "mask_tokens: mask_symbol is -2; need a symbol, or -1 for vocab");
  CHECK(mask({2, 6}, {}, {.vocab = 5, .hidden = 0.8, .random = 0.3}) ==
        "mask_tokens: chosen 0.15, hidden 0.8, random 0.3; need shares of 0 to 1, the last two "
        "together at most 1");
}
