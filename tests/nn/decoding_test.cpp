// Greedy decoding and sampling, with Markov chains whose sequences can be counted by hand.
// Next: beam_search_test.cpp.
#include "nn/decoding.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "autograd/ops.h"
#include "tensor/elementwise.h"
#include "tensor/softmax.h"
#include "tests/compare.h"
#include "tests/nn/markov_chain.h"
#include "tests/normal.h"

using namespace qkv;
using namespace qkv::nn;
using qkv::tests::log_probability;
using qkv::tests::MarkovChain;
using qkv::tests::Prefixes;
using qkv::tests::refusal;
using qkv::tests::relative_error;
using tensor::Dtype;

namespace {

using Sequence = std::vector<int64_t>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Symbols 0 and 1, EOS = 2, BOS = 3.
const std::vector<std::vector<double>> kTable = {
    {.1, .7, .2, 0}, {.2, .3, .5, 0}, {.25, .25, .25, .25}, {.6, .4, 0, 0}};

DecodingOptions options(int64_t max_length) {
  return {.bos = 3, .eos = 2, .max_length = max_length};
}

std::vector<double> frequencies(const SamplingOptions& sampling, std::vector<double> p) {
  constexpr int64_t kRows = 4000;
  MarkovChain model({p});
  lib::Generator generator(1);
  std::vector<double> count(p.size());
  const Decoded decoded =
      sample(model, kRows, {.bos = 0, .eos = -1, .max_length = 1}, sampling, generator);
  for (const Sequence& row : decoded.symbols) count.at(static_cast<size_t>(row.at(0))) += 1;
  for (double& each : count) each /= kRows;
  return count;
}

// Within four standard deviations, and exactly 0 where the probability is.
void check_near(const std::vector<double>& actual, const std::vector<double>& p) {
  for (size_t i = 0; i < p.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(actual.at(i) - p[i]) <= 4 * std::sqrt(p[i] * (1 - p[i]) / 4000));
  }
}

// Logits that the test chooses.
class Fixed : public NextSymbol {
 public:
  explicit Fixed(Tensor logits) : logits_(std::move(logits)) {}
  Tensor next(const Tensor&) override { return logits_; }
  void reorder(const std::vector<int64_t>&) override {}

 private:
  Tensor logits_;
};

}  // namespace

TEST_CASE("greedy takes the most likely symbol until EOS") {
  MarkovChain model(kTable);
  const Decoded decoded = greedy(model, 1, options(9));
  CHECK(decoded.symbols == std::vector<Sequence>{{0, 1}});
  CHECK(std::abs(decoded.log_probability[0] - std::log(.6 * .7 * .5)) <= 1e-15);
  CHECK(decoded.weights.empty());
  CHECK(model.received == std::vector<Sequence>{{3, 0, 1}});
}

TEST_CASE("greedy ends rows at different times and each as if it were alone") {
  for (uint64_t seed = 0; seed < 5; ++seed) {
    Prefixes model(5, seed);
    model.looks = true;
    const Decoded all = greedy(model, 4, {.eos = 4, .max_length = 7, .first = {0, 1, 2, 3}});
    for (int64_t r = 0; r < 4; ++r) {
      Prefixes single(5, seed);
      single.looks = true;
      const Decoded one = greedy(single, 1, {.bos = r, .eos = 4, .max_length = 7});
      const auto row = static_cast<size_t>(r);
      CHECK(all.symbols[row] == one.symbols[0]);
      CHECK(all.log_probability[row] == one.log_probability[0]);
      CHECK(all.weights[row].to_vector() == one.weights[0].to_vector());
      CHECK(all.weights[row].shape() ==
            tensor::Shape{static_cast<int64_t>(all.symbols[row].size()), 2});
    }
  }
}

TEST_CASE("weights are rows of the steps that made the symbols") {
  Prefixes model(3, 2);
  model.looks = true;
  const Decoded decoded = greedy(model, 1, {.bos = 1, .eos = -1, .max_length = 3});
  const Sequence& y = decoded.symbols[0];
  CHECK(decoded.weights[0].to_vector() ==
        std::vector<double>{1, 1, static_cast<double>(y[0]), 2, static_cast<double>(y[1]), 3});
}

TEST_CASE("EOS at once is an empty row and max_length ends a row without it") {
  MarkovChain at_once({{0, 1}, {0, 1}});
  const Decoded nothing = greedy(at_once, 2, {.bos = 0, .eos = 1, .max_length = 5});
  CHECK(nothing.symbols == std::vector<Sequence>{{}, {}});
  CHECK(nothing.log_probability == std::vector<double>{0, 0});
  CHECK(at_once.calls == 1);
  MarkovChain never({{1, 0}, {1, 0}});
  CHECK(greedy(never, 1, {.bos = 0, .eos = 1, .max_length = 4}).symbols[0] == Sequence{0, 0, 0, 0});
  CHECK(never.calls == 4);
  MarkovChain without_eos(kTable);
  CHECK(greedy(without_eos, 1, {.bos = 3, .eos = -1, .max_length = 5}).symbols[0].size() == 5);
}

TEST_CASE("of equally likely symbols greedy takes the lower") {
  MarkovChain model({{.25, .25, .25, .25}});
  CHECK(greedy(model, 1, {.bos = 0, .eos = -1, .max_length = 2}).symbols[0] == Sequence{0, 0});
}

TEST_CASE("greedy sees the smallest difference of float32 logits") {
  Fixed model(Tensor::of<float>({1e-9F, 2e-9F, 1e-9F}, {1, 3}));
  CHECK(greedy(model, 1, {.bos = 0, .eos = -1, .max_length = 1}).symbols[0] == Sequence{1});
}

// Their log probabilities are rounded to the same number, and 1e-30 is the largest logit.
TEST_CASE("of symbols whose log probabilities tie the larger logit decides") {
  Fixed model(Tensor::of<double>({1e-32, -1, 1e-30, 1e-31, -1}, {1, 5}));
  const Scores scores = next_scores(model, {0});
  CHECK(scores.log_probabilities.at({0, 0}) == scores.log_probabilities.at({0, 2}));
  const DecodingOptions one = {.bos = 0, .eos = -1, .max_length = 1};
  CHECK(greedy(model, 1, one).symbols[0] == Sequence{2});
  CHECK(beam_search(model, 1, one, {.width = 1}).symbols[0] == Sequence{2});
  lib::Generator generator(1);
  CHECK(sample(model, 1, one, {.top_k = 1}, generator).symbols[0] == Sequence{2});
}

TEST_CASE("log probabilities are those of the softmax, to the last digits and far out") {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Tensor logits = tensor::mul(qkv::tests::normal({3, 50}, seed), 30);
    Fixed model(logits);
    const Scores scores = next_scores(model, {0, 0, 0});
    CHECK(scores.logits.to_vector() == logits.to_vector());
    CHECK(relative_error(scores.log_probabilities, tensor::log_softmax(logits, -1)) <= 1e-14);
  }
  Fixed far(Tensor::of<double>({-1e9, 0, -kInfinity, 800}, {1, 4}));
  CHECK(next_scores(far, {0}).log_probabilities.to_vector() ==
        std::vector<double>{-1e9 - 800, -800, -kInfinity, 0});
}

TEST_CASE("samples are as frequent as they are probable") {
  const std::vector<double> p = {.05, .5, .15, .3, 0};
  check_near(frequencies({}, p), p);
  check_near(frequencies({.top_k = 2}, p), {0, .5 / .8, 0, .3 / .8, 0});
  check_near(frequencies({.top_k = 99}, p), p);
  check_near(frequencies({.top_p = .79}, p), {0, .5 / .8, 0, .3 / .8, 0});
  check_near(frequencies({.top_p = .81}, p), {0, .5 / .95, .15 / .95, .3 / .95, 0});
  check_near(frequencies({.top_p = 1e-9}, p), {0, 1, 0, 0, 0});
  check_near(frequencies({.top_k = 3, .top_p = .8}, p), {0, .5 / .8, 0, .3 / .8, 0});
  const double total = .0025 + .25 + .0225 + .09;
  check_near(frequencies({.temperature = .5}, p),
             {.0025 / total, .25 / total, .0225 / total, .09 / total, 0});
  check_near(frequencies({.temperature = 1e6}, p), {.25, .25, .25, .25, 0});
  check_near(frequencies({.temperature = 1e-300}, p), {0, 1, 0, 0, 0});
}

TEST_CASE("top_p cuts after the temperature has changed the probabilities") {
  check_near(frequencies({.temperature = .5, .top_p = .68}, {.5, .3, .15, .05}), {1, 0, 0, 0});
  check_near(frequencies({.top_p = .68}, {.5, .3, .15, .05}), {.625, .375, 0, 0});
}

TEST_CASE("sampling one symbol only is greedy and one seed gives one result") {
  for (uint64_t seed = 0; seed < 4; ++seed) {
    const DecodingOptions four = {.eos = 4, .max_length = 6, .first = {0, 1, 2, 3}};
    Prefixes a(5, seed), b(5, seed), c(5, seed), d(5, seed), e(5, seed);
    lib::Generator one(seed), same(seed), other(seed + 1);
    const Decoded best = greedy(a, 4, four);
    CHECK(sample(b, 4, four, {.top_k = 1}, one).symbols == best.symbols);
    one = lib::Generator(seed);
    const Decoded drawn = sample(c, 4, four, {}, one);
    CHECK(sample(d, 4, four, {}, same).symbols == drawn.symbols);
    CHECK(sample(e, 4, four, {}, other).symbols != drawn.symbols);
  }
}

TEST_CASE("the log probability of a sample is the model's own") {
  MarkovChain model(kTable);
  lib::Generator generator(3);
  const Decoded decoded = sample(model, 20, options(30), {.temperature = 2, .top_k = 2}, generator);
  for (size_t r = 0; r < 20; ++r) {
    Sequence symbols = decoded.symbols[r];
    if (symbols.size() < 30) symbols.push_back(2);
    CHECK(std::abs(decoded.log_probability[r] - log_probability(model, 3, symbols)) <= 1e-12);
  }
}

TEST_CASE("decoding records no graph") {
  class Recording : public MarkovChain {
   public:
    Recording() : MarkovChain(kTable) {}
    Tensor next(const Tensor& symbols) override {
      CHECK_FALSE(autograd::recording());
      return MarkovChain::next(symbols);
    }
  } model;
  lib::Generator generator(1);
  CHECK(greedy(model, 1, options(2)).symbols.size() == 1);
  model.received.clear();
  CHECK(sample(model, 1, options(2), {}, generator).symbols.size() == 1);
  model.received.clear();
  CHECK(beam_search(model, 1, options(2), {}).symbols.size() == 1);
  CHECK(autograd::recording());
}

TEST_CASE("decoding refuses what cannot be") {
  MarkovChain model(kTable);
  lib::Generator g(1);
  CHECK(refusal([&] { return greedy(model, 0, options(3)); }) == "greedy: 0 rows; need at least 1");
  CHECK(refusal([&] { return greedy(model, 1, options(0)); }) ==
        "greedy: max_length is 0; need at least 1");
  CHECK(refusal([&] {
          return greedy(model, 2, {.max_length = 3, .first = {1, 2, 3}});
        }) == "greedy: 3 first symbols for 2 rows; need one for each");
  CHECK(refusal([&] { return sample(model, 1, options(3), {.temperature = 0}, g); }) ==
        "sample: temperature is 0; need a number > 0 (greedy is what becomes of it near 0)");
  CHECK(refusal([&] { return sample(model, 1, options(3), {.top_k = -1}, g); }) ==
        "sample: top_k is -1; need >= 0 (0: all)");
  for (const double top_p : {0.0, 1.5, std::nan("")}) {
    CHECK(refusal([&] {
            return sample(model, 1, options(3), {.top_p = top_p}, g);
          }).ends_with("need 0 < top_p <= 1"));
  }
  for (const double bad : {kInfinity, std::nan(""), -kInfinity}) {
    const double other = bad == -kInfinity ? bad : 0;
    Fixed broken(Tensor::of<double>({1, 2, other, bad}, {2, 2}));
    CHECK(refusal([&] { return greedy(broken, 2, options(3)); }) ==
          "decoding: row 1 of the model's logits has no probabilities; it has NaN, +inf or only "
          "-inf");
  }
  Fixed wrong(tensor::zeros({3, 4}));
  CHECK(refusal([&] { return greedy(wrong, 2, options(3)); }) ==
        "decoding: the model's logits are (3, 4); need (2, vocab), a row for each symbol it was "
        "given");
}
