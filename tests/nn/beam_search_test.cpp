// Beam search against all sequences there are, and against greedy.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "nn/decoding.h"
#include "tests/compare.h"
#include "tests/nn/markov_chain.h"

using namespace qkv;
using namespace qkv::nn;
using qkv::tests::log_probability;
using qkv::tests::MarkovChain;
using qkv::tests::Prefixes;
using qkv::tests::refusal;

namespace {

using Sequence = std::vector<int64_t>;

constexpr int64_t kVocab = 4, kEos = 3, kLongest = 4;

struct Best {
  Sequence symbols;
  double log_p = 0, score = -std::numeric_limits<double>::infinity();
};

// The best of all sequences that begin as `so_far`, EOS included where there is one.
void try_all(const MarkovChain& model, int64_t bos, double alpha, Sequence& so_far, Best& best) {
  const bool ended = !so_far.empty() && so_far.back() == kEos;
  if (ended || static_cast<int64_t>(so_far.size()) == kLongest) {
    const double log_p = log_probability(model, bos, so_far);
    const double penalty = std::pow((5.0 + static_cast<double>(so_far.size())) / 6, alpha);
    if (log_p / penalty <= best.score) return;
    best = {so_far, log_p, log_p / penalty};
    if (ended) best.symbols.pop_back();
    return;
  }
  for (int64_t symbol = 0; symbol < kVocab; ++symbol) {
    so_far.push_back(symbol);
    try_all(model, bos, alpha, so_far, best);
    so_far.pop_back();
  }
}

const DecodingOptions kThreeRows = {.eos = kEos, .max_length = kLongest, .first = {0, 1, 2}};

// Greedy is lured: 0 looks better than 1 at first. Symbols 0, 1; EOS 2; BOS 3.
const std::vector<std::vector<double>> kLure = {
    {.4, .3, .3, 0}, {.05, .05, .9, 0}, {.3, .3, .4, 0}, {.6, .4, 0, 0}};

}  // namespace

TEST_CASE("a beam wide enough for all sequences finds the best of them") {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    for (const double alpha : {0.0, 0.6, 2.0}) {
      Prefixes model(kVocab, seed);
      const Decoded found =
          beam_search(model, 3, kThreeRows, {.width = 200, .length_penalty = alpha});
      for (int64_t r = 0; r < 3; ++r) {
        Best best;
        Sequence nothing;
        try_all(model, r, alpha, nothing, best);
        CHECK(found.symbols[static_cast<size_t>(r)] == best.symbols);
        CHECK(std::abs(found.log_probability[static_cast<size_t>(r)] - best.log_p) <= 1e-12);
      }
    }
  }
}

TEST_CASE("a beam of one is greedy") {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Prefixes a(kVocab, seed), b(kVocab, seed);
    const Decoded beam = beam_search(a, 3, kThreeRows, {.width = 1});
    const Decoded best = greedy(b, 3, kThreeRows);
    CHECK(beam.symbols == best.symbols);
    CHECK(beam.log_probability == best.log_probability);
  }
}

TEST_CASE("a beam of two finds what greedy passes by") {
  MarkovChain a(kLure), b(kLure);
  const DecodingOptions options = {.bos = 3, .eos = 2, .max_length = 6};
  CHECK(greedy(a, 1, options).symbols[0] == Sequence{0, 0, 0, 0, 0, 0});
  const Decoded beam = beam_search(b, 1, options, {.width = 2, .length_penalty = 0});
  CHECK(beam.symbols[0] == Sequence{1});
  CHECK(std::abs(beam.log_probability[0] - std::log(.4 * .9)) <= 1e-15);
}

TEST_CASE("rows of a beam do not know of each other") {
  for (uint64_t seed = 0; seed < 6; ++seed) {
    Prefixes model(kVocab, seed);
    model.looks = true;
    const Decoded all = beam_search(model, 3, kThreeRows, {.width = 3});
    for (int64_t r = 0; r < 3; ++r) {
      Prefixes single(kVocab, seed);
      single.looks = true;
      const auto row = static_cast<size_t>(r);
      const Decoded one =
          beam_search(single, 1, {.bos = r, .eos = kEos, .max_length = kLongest}, {.width = 3});
      CHECK(all.symbols[row] == one.symbols[0]);
      CHECK(all.log_probability[row] == one.log_probability[0]);
      CHECK(all.weights[row].to_vector() == one.weights[0].to_vector());
    }
  }
}

TEST_CASE("a beam's log probabilities and weights belong to its symbols") {
  for (uint64_t seed = 0; seed < 6; ++seed) {
    Prefixes model(kVocab, seed);
    model.looks = true;
    const Decoded found = beam_search(model, 3, kThreeRows, {.width = 4, .length_penalty = 1});
    for (size_t r = 0; r < 3; ++r) {
      Sequence symbols = found.symbols[r];
      std::vector<double> looked;  // what was received, and how many
      double received = static_cast<double>(r);
      for (size_t t = 0; t < symbols.size(); ++t) {
        looked.insert(looked.end(), {received, static_cast<double>(t + 1)});
        received = static_cast<double>(symbols[t]);
      }
      CHECK(found.weights[r].to_vector() == looked);
      CHECK(found.weights[r].shape()[1] == 2);
      if (symbols.size() < kLongest) symbols.push_back(kEos);
      CHECK(std::abs(found.log_probability[r] -
                     log_probability(model, static_cast<int64_t>(r), symbols)) <= 1e-12);
    }
  }
}

TEST_CASE("EOS at once ends a beam") {
  MarkovChain at_once({{0, 1}, {0, 1}});
  const Decoded nothing =
      beam_search(at_once, 2, {.bos = 0, .eos = 1, .max_length = 5}, {.width = 3});
  CHECK(nothing.symbols == std::vector<Sequence>{{}, {}});
  CHECK(nothing.log_probability == std::vector<double>{0, 0});
  CHECK(at_once.calls == 1);
}

TEST_CASE("equal hypotheses keep their order and lower symbols come first") {
  class Even : public MarkovChain {
   public:
    Even() : MarkovChain({}) {}
    std::vector<double> row(const std::vector<int64_t>&) const override { return {.5, .5, 0}; }
  } even;
  const Decoded found = beam_search(even, 1, {.bos = 0, .eos = 2, .max_length = 3}, {.width = 3});
  CHECK(found.symbols[0] == Sequence{0, 0, 0});
  CHECK(even.received == std::vector<Sequence>{{0, 0, 0}, {0, 0, 1}, {0, 1, 0}});
}

TEST_CASE("a finished hypothesis keeps its place in the beam") {
  // Of two places EOS takes one and 0 the other, then EOS that one: no third step, though long
  // sequences would score better.
  MarkovChain model({{.3, .3, .4}, {.3, .3, .4}});
  const Decoded found = beam_search(model, 1, {.bos = 0, .eos = 2, .max_length = 50},
                                    {.width = 2, .length_penalty = 3});
  CHECK(found.symbols[0].empty());
  CHECK(model.received == std::vector<Sequence>{{0, 0}});
  CHECK(model.calls == 2);
}

TEST_CASE("a row whose running hypotheses can no longer win is given up") {
  // EOS at once has .9; whatever else there is has at most .1.
  MarkovChain model({{.1, .9}, {.1, .9}});
  const Decoded found = beam_search(model, 1, {.bos = 0, .eos = 1, .max_length = 50}, {.width = 4});
  CHECK(found.symbols[0].empty());
  CHECK(model.calls == 1);
}

TEST_CASE("the length penalty is that of Wu et al.") {
  CHECK(length_penalty(1, 0.6) == 1);
  CHECK(std::abs(length_penalty(13, 1) - 3) <= 1e-15);
  CHECK(length_penalty(7, 0) == 1);
  // log p of the short one is higher, log p per symbol that of the long one.
  const std::vector<std::vector<double>> table = {
      {.8, .2, 0}, {0, 0, 1}, {.34, .33, .33}};  // 0 goes on with 0, 1 ends
  const auto length = [&](double alpha) {
    MarkovChain model(table);
    return beam_search(model, 1, {.bos = 2, .eos = 2, .max_length = 6},
                       {.width = 20, .length_penalty = alpha})
        .symbols[0]
        .size();
  };
  CHECK(length(0) == 0);
  CHECK(length(3) == 6);
}

TEST_CASE("beam search refuses what cannot be") {
  MarkovChain model(kLure);
  const DecodingOptions options = {.bos = 3, .eos = 2, .max_length = 6};
  CHECK(refusal([&] { return beam_search(model, 1, options, {.width = 0}); }) ==
        "beam_search: width is 0; need at least 1");
  CHECK(refusal([&] { return beam_search(model, 1, options, {.length_penalty = -1}); }) ==
        "beam_search: length_penalty is -1; need a number >= 0");
  CHECK(refusal([&] { return beam_search(model, 0, options, {}); }) ==
        "beam_search: 0 rows; need at least 1");
}
