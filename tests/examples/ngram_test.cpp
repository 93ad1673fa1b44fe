// n-grams: counts and both smoothings against a text small enough to count by hand; probabilities
// that sum to 1; longer orders that help; samples.
#include "examples/lab/ngram.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "examples/lab/task_text.h"
#include "tests/compare.h"

using namespace qkv;
using namespace qkv::examples;
using tests::refusal;

namespace {

constexpr int64_t A = 0, B = 1, kEnd = 2;

// "a b a" and "a": with its start (s) and end (e), the bigrams are s a, a b, b a, a e, s a, a e.
NGramCounts small(int64_t order = 2) {
  NGramCounts counts(2, order);
  counts.add({A, B, A});
  counts.add({A});
  return counts;
}

NGramSettings add_k(int64_t order, double k) { return {order, Smoothing::add_k, k}; }
NGramSettings kneser_ney(int64_t order, double d) { return {order, Smoothing::kneser_ney, d}; }

bool near(double a, double b, double tolerance = 1e-12) { return std::fabs(a - b) <= tolerance; }

// Of the text task: lines number first to first + count - 1 of a split.
std::vector<Line> lines_of(Split split, int64_t first, int64_t count) {
  Config config;
  config.task = "text";
  const Task task = make_task(config);
  std::vector<Line> lines;
  for (int64_t i = first; i < first + count; ++i) lines.push_back(example(task, split, i).target);
  return lines;
}

NGramCounts counted(int64_t order, int64_t count) {
  NGramCounts counts(26, order);
  for (const Line& line : lines_of(Split::train, 0, count)) counts.add(line);
  return counts;
}

}  // namespace

// After a, three times: b once, the end twice. V = 3: a, b and the end.
TEST_CASE("n-gram: add-k by hand") {
  const NGramCounts counts = small();
  const NGram model(counts, add_k(2, 0.5));
  const Line a = {A}, b = {B}, ab = {A, B};
  CHECK(near(model.probability(a, B), 1.5 / 4.5));
  CHECK(near(model.probability(a, kEnd), 2.5 / 4.5));
  CHECK(near(model.probability(a, A), 0.5 / 4.5));
  CHECK(near(model.probability({}, A), 2.5 / 3.5));  // after the start
  CHECK(near(model.probability(ab, A), 1.5 / 2.5));  // after b
  const NGram unigram(counts, add_k(1, 1));
  CHECK(near(unigram.probability(b, A), 4.0 / 9));  // a three times of six
}

// Lower orders count what came before: a after s and b, so 2 ways; b and the end after a. So of 4
// ways with D = 1/2 and 3 types, handing down 1/2 * 3/4 = 3/8 to the uniform 1/3:
//
//   P(a) = 1.5/4 + 3/8 * 1/3 = 1/2      P(b) = P(end) = 0.5/4 + 1/8 = 1/4
//
// and after a, with b 1 of 3, the end 2 of 3 and 2 types: handing down 1/2 * 2/3 = 1/3.
TEST_CASE("n-gram: interpolated Kneser-Ney by hand") {
  const NGramCounts counts = small();
  const NGram model(counts, kneser_ney(2, 0.5));
  const Line a = {A};
  CHECK(near(model.probability(a, B), 0.5 / 3 + 1.0 / 3 * 1 / 4));
  CHECK(near(model.probability(a, kEnd), 1.5 / 3 + 1.0 / 3 * 1 / 4));
  CHECK(near(model.probability(a, A), 1.0 / 3 * 1 / 2));
  CHECK(near(model.probability({}, A), 1.5 / 2 + 0.25 * 1 / 2));  // s a twice, 1 type
}

// Both symbols are equally frequent, but 2 follows one symbol only: Kneser and Ney's point.
TEST_CASE("n-gram: a symbol that follows one other only is a bad guess elsewhere") {
  NGramCounts counts(5, 2);
  for (int i = 0; i < 3; ++i) counts.add({1, 2});
  for (const int64_t before : {0, 1, 4}) counts.add({before, 3});
  const Line unseen_after = {2};  // only the end was seen after it
  const NGram kn(counts, kneser_ney(2, 0.5)), k(counts, add_k(2, 0.5));
  CHECK(kn.probability(unseen_after, 3) > 1.5 * kn.probability(unseen_after, 2));
  CHECK(near(k.probability(unseen_after, 3), k.probability(unseen_after, 2)));
}

TEST_CASE("n-gram: probabilities of all symbols and the end sum to 1 in every context") {
  const NGramCounts counts = counted(6, 60);
  std::vector<Line> contexts = {{}, {25, 25, 25, 25, 25, 25}, {0}, {3, 4, 0, 0, 0, 7, 2}};
  for (const Line& line : lines_of(Split::test, 0, 2)) {
    for (size_t t = 1; t <= line.size(); t += 4) {
      contexts.emplace_back(line.begin(), line.begin() + static_cast<int64_t>(t));
    }
  }
  for (int64_t order = 1; order <= 6; ++order) {
    for (const NGramSettings& settings : {add_k(order, 0.01), kneser_ney(order, 0.8)}) {
      const NGram model(counts, settings);
      for (const Line& context : contexts) {
        double sum = 0;
        for (int64_t symbol = 0; symbol <= 26; ++symbol) {
          const double p = model.probability(context, symbol);
          REQUIRE(p > 0);
          sum += p;
        }
        REQUIRE(near(sum, 1));
      }
    }
  }
}

TEST_CASE("n-gram: without any text everything is equally likely") {
  const NGramCounts counts(3, 4);
  const Line some = {1, 2};
  for (const NGramSettings& settings : {add_k(4, 1), kneser_ney(4, 0.5)}) {
    const NGram model(counts, settings);
    for (int64_t symbol = 0; symbol <= 3; ++symbol) {
      CHECK(model.probability(some, symbol) == 0.25);
    }
    CHECK(near(model.score({some, {}}).bits, 8));  // 2 bits each: 1, 2, the end; the end
    CHECK(near(model.score({some, {}}).perplexity(), 4));
  }
}

TEST_CASE("n-gram: a score counts every character and the end of every line") {
  const NGramCounts counts = small();
  const NGram model(counts, kneser_ney(2, 0.5));
  const TextScore score = model.score({{A, B}});
  const Line a = {A}, ab = {A, B};
  const double p = model.probability({}, A) * model.probability(a, B) * model.probability(ab, kEnd);
  CHECK(score.characters == 3);
  CHECK(near(score.bits, -std::log2(p)));
  CHECK(near(score.perplexity(), std::pow(p, -1.0 / 3)));
}

TEST_CASE("n-gram: counts of a longer order give a shorter order the same probabilities") {
  const NGramCounts two = small(2), five = small(5);
  const Line context = {A, B};
  for (const NGramSettings& settings : {add_k(2, 0.1), kneser_ney(2, 0.3)}) {
    for (int64_t symbol = 0; symbol <= kEnd; ++symbol) {
      CHECK(NGram(two, settings).probability(context, symbol) ==
            NGram(five, settings).probability(context, symbol));
    }
  }
}

TEST_CASE("n-gram: on the text task Kneser-Ney beats add-k, and both stay above the entropy") {
  const NGramCounts counts = counted(6, 600);
  const std::vector<Line> held_out = lines_of(Split::validation, 0, 40);
  const std::vector<NGramTrial> trials = try_ngrams(counts, held_out);
  REQUIRE(trials.size() == 12);
  for (size_t i = 0; i < 12; ++i) {
    CHECK(trials[i].settings.order == static_cast<int64_t>(i % 6) + 1);
    CHECK(trials[i].score.bits_per_character() > text_entropy().bits_per_character);
  }
  const NGramSettings best = best_of(trials);
  CHECK(best.smoothing == Smoothing::kneser_ney);
  CHECK(best.order > 3);
  CHECK(trials[11].score.bits < trials[5].score.bits);
  CHECK(trials[8].score.bits < 0.7 * trials[6].score.bits);  // order 3 and order 1
  for (const NGramTrial& trial : trials) {
    CHECK(trial.score.bits >= NGram(counts, best).score(held_out).bits);
  }
}

TEST_CASE("n-gram: samples have the symbols as often as the probabilities say") {
  const NGramCounts counts = small();
  const NGram model(counts, kneser_ney(2, 0.5));
  lib::Generator generator(5);
  std::map<Line, int> drawn;
  for (int i = 0; i < 4000; ++i) ++drawn[model.sample(generator, 3)];
  const Line a = {A};
  const double p = model.probability({}, A) * model.probability(a, kEnd);  // of the line "a"
  CHECK(std::fabs(drawn[a] / 4000.0 - p) <= 0.04);                         // 5 standard deviations
  for (const auto& [line, times] : drawn) CHECK(line.size() <= 3);
}

TEST_CASE("n-gram: sizes and parameters that make no sense are refused") {
  CHECK(refusal([] { NGramCounts(0, 2); }) ==
        "n-gram: symbols 0, longest order 2; need at least 1 of both");
  CHECK(refusal([] {
          small().add({0, 2});
        }) == "n-gram: symbol 2 in a line; symbols are from 0 to 1");
  const NGramCounts counts = small();
  const auto refused = [&](const NGramSettings& settings) {
    return refusal([&] { NGram(counts, settings); });
  };
  CHECK(refused(add_k(3, 1)) == "n-gram: order 3; the counts are of orders 1 to 2");
  CHECK(refused(add_k(2, 0)) == "n-gram: parameter 0; k must be above 0");
  CHECK(refused(kneser_ney(2, 1)) ==
        "n-gram: parameter 1; the discount must be above 0 and below 1");
  CHECK(refused(kneser_ney(0, 0.5)) != "not refused");
  CHECK(refused(kneser_ney(2, NAN)) != "not refused");
  CHECK(refusal([] { static_cast<void>(best_of({})); }) == "best_of: no trials; need at least one");
}
