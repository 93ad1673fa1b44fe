// Accuracy of answers of any length, and BLEU against values worked by hand.
#include "examples/lab/metrics.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/compare.h"

using namespace qkv::examples;
using qkv::tests::refusal;

namespace {

bool near(double a, double b) { return std::fabs(a - b) <= 1e-9; }

}  // namespace

TEST_CASE("metrics: what is missing and what is too much is wrong") {
  Accuracy a;
  CHECK(a.exact_share() == 0);
  a.add({7, 3, 1, 0}, {7, 3, 1, 0});
  a.add({7, 3, 0}, {7, 3, 1, 0});        // 2 of 4
  a.add({7, 3, 1, 0, 5}, {7, 3, 1, 0});  // 4 of 5
  a.add({}, {1});
  CHECK(a.exact == 1);
  CHECK(a.sequences == 4);
  CHECK(a.right == 10);
  CHECK(a.symbols == 14);
  CHECK(a.exact_share() == 0.25);
  CHECK(near(a.token_share(), 10.0 / 14));
}

TEST_CASE("metrics: BLEU is 100 for the references themselves and 0 if no symbol is right") {
  const std::vector<std::vector<int64_t>> lines = {{1, 2, 3, 4, 5}, {6, 6, 7}};
  CHECK(near(bleu(lines, lines).score, 100));
  CHECK(bleu({{1, 2, 3, 4}}, {{5, 6, 7, 8}}).score == 0);
  CHECK(bleu({{}}, {{5, 6}}).score == 0);
  CHECK(bleu({{1, 2, 3}}, {{1, 2, 3}}).score == 0);  // nobody wrote four symbols in a row
}

//   reference  1 2 3 4 5 6      answer  1 2 3 4 6
//   p_1 = 5/5, p_2 = 3/4 (not 4 6), p_3 = 2/3, p_4 = 1/2; 5 symbols for 6: exp(1 - 6/5)
TEST_CASE("metrics: BLEU of one answer, by hand") {
  const Bleu b = bleu({{1, 2, 3, 4, 6}}, {{1, 2, 3, 4, 5, 6}});
  CHECK(near(b.precisions[0], 100));
  CHECK(near(b.precisions[1], 75));
  CHECK(near(b.precisions[2], 200.0 / 3));
  CHECK(near(b.precisions[3], 50));
  CHECK(near(b.brevity_penalty, std::exp(-0.2)));
  CHECK(near(b.score, 100 * std::exp(-0.2) * std::pow(0.25, 0.25)));  // 57.89300674674101
  CHECK(near(b.score, 57.89300674674101));
  CHECK(b.length == 5);
  CHECK(b.reference_length == 6);
}

TEST_CASE("metrics: BLEU counts an n-gram at most as often as the reference has it") {
  const Bleu b = bleu({{1, 1, 1, 1, 1}}, {{1, 1, 2, 3, 4}});
  CHECK(near(b.precisions[0], 40));
  CHECK(near(b.precisions[1], 25));
}

// Counts are summed before dividing: p_1 = (4 + 1)/(4 + 4), p_2 = (3 + 0)/(3 + 3),
// p_3 = (2 + 0)/(2 + 2), p_4 = (1 + 0)/(1 + 1); the second answer alone would score 0.
TEST_CASE("metrics: BLEU is of the corpus, not the mean of its sentences") {
  const Bleu b = bleu({{1, 2, 3, 4}, {5, 9, 9, 9}}, {{1, 2, 3, 4}, {5, 6, 7, 8}});
  CHECK(near(b.precisions[0], 62.5));
  CHECK(near(b.score, 100 * std::pow(0.625 * 0.125, 0.25)));
  CHECK(b.brevity_penalty == 1);
  CHECK(bleu({{1, 2, 3, 4, 5}}, {{1, 2, 3, 4}}).brevity_penalty == 1);  // longer is punished by p
}

//   reference  1 2 3 4 5      answer  1 2 9 4 5:  p = 4/5, 2/4, then 1/2 of 1/3 and 1/4 of 1/2
TEST_CASE("metrics: BLEU without a right n-gram halves one as sacrebleu does") {
  const Bleu b = bleu({{1, 2, 9, 4, 5}}, {{1, 2, 3, 4, 5}});
  CHECK(near(b.precisions[2], 100.0 / 6));
  CHECK(near(b.precisions[3], 100.0 / 8));
  CHECK(near(b.score, 100 * std::pow(0.8 * 0.5 / 6 / 8, 0.25)));
}

TEST_CASE("metrics: BLEU of lists that do not pair is refused") {
  CHECK(refusal([] { static_cast<void>(bleu({{1}}, {})); }) ==
        "bleu: 1 answers, 0 references; need one reference for each answer");
}
