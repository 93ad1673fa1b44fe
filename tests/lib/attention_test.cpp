// Attention: the fused kernel against the definition in double precision, at sizes around the tiles
// and with every kind of mask, under every instruction set; the definition against a case by hand.
#include "lib/attention.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/compare.h"
#include "tests/determinism/settings.h"
#include "tests/lib/attention_case.h"

using namespace qkv::lib;
using namespace qkv::tests;

namespace {

constexpr bool kDefinition = false;

// Around the registers (16 floats, 8 doubles), the tiles (64 queries, 128 keys), the blocks (512).
constexpr AttentionShape kShapes[] = {
    {1, 1, 1, 1, 1, 1},      {2, 2, 1, 3, 7, 5},     {1, 3, 17, 15, 16, 33},
    {2, 1, 20, 20, 8, 16},   {1, 2, 63, 127, 33, 7}, {1, 2, 64, 128, 16, 16},
    {1, 1, 65, 129, 64, 64}, {1, 1, 257, 31, 7, 1},  {1, 1, 97, 263, 17, 130},
    {1, 1, 521, 33, 4, 3},   {3, 1, 130, 70, 1, 64}};

template <class T>
double worst_error(const AttentionResultsOf<T>& actual, const AttentionResultsOf<double>& truth) {
  const auto error = [](const std::vector<T>& x, const std::vector<double>& y) {
    return relative_error(std::vector<double>(x.begin(), x.end()), y);
  };
  // One key only: dQ and dK are 0 but for rounding, so all three gradients share a scale.
  std::vector<T> grads = actual.dQ;
  std::vector<double> true_grads = truth.dQ;
  grads.insert(grads.end(), actual.dK.begin(), actual.dK.end());
  grads.insert(grads.end(), actual.dV.begin(), actual.dV.end());
  true_grads.insert(true_grads.end(), truth.dK.begin(), truth.dK.end());
  true_grads.insert(true_grads.end(), truth.dV.begin(), truth.dV.end());
  return std::max(error(actual.O, truth.O), error(grads, true_grads));
}

// Log-sum-exps may be infinite, and are then the same.
template <class T>
bool close(const std::vector<T>& L, const std::vector<double>& truth, double tolerance) {
  for (size_t i = 0; i < L.size(); ++i) {
    const double l = L[i];
    if (!(l == truth[i] || std::fabs(l - truth[i]) <= tolerance * (1 + std::fabs(l)))) return false;
  }
  return L.size() == truth.size();
}

template <class T>
constexpr double kTolerance = 40 * static_cast<double>(std::numeric_limits<T>::epsilon());

template <class T>
void check_against_truth(const AttentionCase<T>& c, const AttentionResultsOf<double>& truth) {
  const AttentionResultsOf<T> actual = c.run();
  CHECK(worst_error(actual, truth) <= kTolerance<T>);
  CHECK(close(actual.L, truth.L, kTolerance<T>));
}

}  // namespace

TEST_CASE_TEMPLATE("fused attention agrees with the definition at awkward sizes", T, float,
                   double) {
  for (const AttentionShape& shape : kShapes) {
    INFO("Tq ", shape.queries, ", Tk ", shape.keys, ", D ", shape.width, ", ", shape.value_width);
    const AttentionCase<T> c(shape);
    const auto truth = truth_of(c);
    for_each_isa([&] { check_against_truth(c, truth); });
  }
}

TEST_CASE_TEMPLATE("fused attention agrees with the definition under every kind of mask", T, float,
                   double) {
  for (const MaskKind kind : kMaskKinds) {
    for (const AttentionShape& shape :
         {AttentionShape{3, 2, 18, 21, 5, 9}, AttentionShape{2, 1, 150, 280, 9, 16},
          AttentionShape{2, 1, 300, 140, 16, 3}}) {
      INFO("mask kind ", static_cast<int>(kind), ", Tq ", shape.queries);
      const AttentionCase<T> c(shape, kind);
      const auto truth = truth_of(c);
      for_each_isa([&] { check_against_truth(c, truth); });
    }
  }
}

TEST_CASE_TEMPLATE("scores that fall with distance agree with the definition", T, float, double) {
  for (const MaskKind kind : {MaskKind::none, MaskKind::causal, MaskKind::all}) {
    for (const AttentionShape& shape :
         {AttentionShape{3, 2, 18, 21, 5, 9}, AttentionShape{1, 2, 150, 280, 9, 16},
          AttentionShape{1, 3, 300, 140, 16, 3}}) {
      INFO("mask kind ", static_cast<int>(kind), ", Tq ", shape.queries);
      AttentionCase<T> c(shape, kind);
      c.slopes = {0.25, 0, 0.03125};
      const auto truth = truth_of(c);
      for_each_isa([&] { check_against_truth(c, truth); });
      c.slopes = {};
      CHECK(worst_error(c.run(), truth) > 0.01);
    }
  }
}

// One query beside the last of three keys, all scores 0: the weights go down by e^-slope for each
// key further back.
TEST_CASE("the last query stands beside the last key") {
  AttentionCase<double> c({1, 1, 1, 3, 1, 3});
  c.Q = {0}, c.V = {1, 0, 0, 0, 1, 0, 0, 0, 1}, c.slopes = {std::log(2.0)};
  for (const bool fused : {true, false}) {
    CHECK(relative_error(c.run(fused).O, {1 / 7.0, 2 / 7.0, 4 / 7.0}) <= 1e-15);
  }
}

TEST_CASE("heads of a projection give the same bits as heads apart") {
  for (const AttentionShape& shape :
       {AttentionShape{2, 3, 21, 34, 7, 12}, AttentionShape{1, 2, 330, 290, 8, 16}}) {
    const AttentionCase<float> apart(shape, MaskKind::all);
    const AttentionCase<float> together(shape, MaskKind::all, Layout::projection);
    CHECK(apart.run() == together.run());
    CHECK(apart.run(kDefinition) == together.run(kDefinition));
  }
}

// Two queries, two keys, D = 1: q = (0, ln 3), k = (0, 1), v = (1, 5), so that the weights are
// 1/2, 1/2 and 1/4, 3/4. With dO = 1: dP = (1, 5) in both rows, their means 3 and 4,
// dS = (-1, 1) and (-3/4, 3/4), so dQ = (1, 3/4), dK = (-3/4 ln 3, 3/4 ln 3), dV = (3/4, 5/4).
TEST_CASE("attention of two queries and two keys is what one finds by hand") {
  AttentionCase<double> c({1, 1, 2, 2, 1, 1});
  const double ln3 = std::log(3.0);
  c.Q = {0, ln3}, c.K = {0, 1}, c.V = {1, 5}, c.dO = {1, 1}, c.scale = 1;
  for (const bool fused : {true, false}) {
    const AttentionResultsOf<double> r = c.run(fused);
    CHECK(relative_error(r.O, {3, 4}) <= 1e-15);
    CHECK(relative_error(r.L, {std::log(2.0), std::log(4.0)}) <= 1e-15);
    CHECK(relative_error(r.dQ, {1, 0.75}) <= 1e-15);
    CHECK(relative_error(r.dK, {-0.75 * ln3, 0.75 * ln3}) <= 1e-15);
    CHECK(relative_error(r.dV, {0.75, 1.25}) <= 1e-15);
  }
}

TEST_CASE_TEMPLATE("scores that grow or fall from tile to tile are rescaled correctly", T, float,
                   double) {
  for (const double step : {0.5, -0.5}) {  // up to e^250 between the first and the last key
    AttentionCase<T> c({1, 1, 3, 500, 1, 4});
    c.scale = 1;
    for (double& q : c.Q) q = 1;
    for (size_t j = 0; j < c.K.size(); ++j) c.K[j] = step * static_cast<double>(j);
    const auto truth = truth_of(c);
    for_each_isa([&] {
      const AttentionResultsOf<T> actual = c.run();
      const std::vector<double> O(actual.O.begin(), actual.O.end());
      CHECK(relative_error(O, truth.O) <= 500 * kTolerance<T>);
    });
  }
}
