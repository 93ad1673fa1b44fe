// The error of numeric gradients against eps: a V, in float64 and in float32, with its two slopes.
#include "autograd/eps_sweep.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "autograd/ops.h"
#include "tests/compare.h"

using namespace qkv;
using namespace qkv::autograd;

namespace {

using In = const std::vector<Variable>&;

Tensor normal(const Shape& shape) {
  lib::Generator generator(1);
  return tensor::normal(shape, 0, 1, generator, Dtype::float64);
}

std::vector<EpsPoint> sweep_softmax() {
  return eps_sweep([](In in) { return softmax(in[0], -1); }, {normal({2, 5})});
}

template <class Error>
double best_eps(const std::vector<EpsPoint>& points, const Error& error) {
  return std::min_element(points.begin(), points.end(),
                          [&](const auto& a, const auto& b) { return error(a) < error(b); })
      ->eps;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the best eps is near 1e-5 in float64 and near 1e-2 in float32") {
  const auto points = sweep_softmax();
  REQUIRE(points.size() == 12);
  const double best64 = best_eps(points, [](const EpsPoint& p) { return p.float64; });
  const double best32 = best_eps(points, [](const EpsPoint& p) { return p.float32; });
  CHECK(best64 <= 2e-4);
  CHECK(best64 >= 0.5e-6);
  CHECK(best32 <= 0.2);
  CHECK(best32 >= 0.5e-3);
}

TEST_CASE("float32 never comes near the tolerance of the gradient check and float64 does") {
  const auto points = sweep_softmax();
  double least32 = 1, least64 = 1;
  for (const EpsPoint& p : points) {
    least32 = std::min(least32, p.float32);
    least64 = std::min(least64, p.float64);
  }
  CHECK(least32 >= 1e-5);
  CHECK(least32 <= 1e-2);
  CHECK(least64 <= 1e-9);
  CHECK(points[5].eps == doctest::Approx(1e-6));
  CHECK(points[5].float64 <= 1e-7);
}

TEST_CASE("truncation falls with the square of eps and rounding grows as eps falls") {
  const auto points = sweep_softmax();
  CHECK(std::abs(std::log10(points[1].float64 / points[2].float64) - 2) <= 0.1);
  CHECK(points[11].float64 >= 30 * points[9].float64);
  CHECK(points[6].float32 >= 1);  // nothing is left of the slope
}

TEST_CASE("a linear function has no truncation error and the chart says so") {
  const auto points = eps_sweep([](In in) { return in[0] * 3.0; }, {normal({4})});
  CHECK(points[0].float64 <= 1e-14);
  CHECK(contains(eps_chart(points), "no truncation error"));
  CHECK_FALSE(contains(eps_chart(sweep_softmax()), "no truncation error"));
}

TEST_CASE("a function that refuses float32 is swept in float64 alone") {
  const Tensor w = normal({3});
  const auto points = eps_sweep([&](In in) { return exp(in[0]) * Variable(w); }, {normal({3})});
  CHECK(points[5].float64 <= 1e-7);
  for (const EpsPoint& p : points) CHECK(std::isnan(p.float32));
  const std::string chart = eps_chart(points);
  CHECK(contains(chart, "          -   "));
  CHECK_FALSE(contains(chart, ", float32 "));
}

TEST_CASE("the chart has a line for each eps with both errors and both marks") {
  std::vector<EpsPoint> points;
  for (int k = 1; k <= 12; ++k) points.push_back({std::pow(10.0, -k), 1e-9, 1e-3});
  points[0] = {0.1, 1e-3, 1e-3};
  points[1] = {0.01, 1e-15, 1e6};
  const std::string chart = eps_chart(points);
  CHECK(contains(chart,
                 "\n1e-01    1.0e-03    1.0e-03   .              .              .          "
                 "    *              .\n"));
  CHECK(contains(chart,
                 "\n1e-02    1.0e-15    1.0e+06   o              .              .          "
                 "    .              x\n"));
  CHECK(contains(chart,
                 "\n1e-12    1.0e-09    1.0e-03   .              o              .          "
                 "    x              .\n"));
  CHECK(contains(chart, "best: float64 1.0e-15 at eps 0.01, float32 1.0e-03 at eps 0.1.\n"));
}

TEST_CASE("errors that are not numbers are printed and are not the best") {
  const auto points =
      eps_sweep([](In in) { return log(in[0]); }, {Tensor::of<double>({0.05, 1}, {2})});
  CHECK(std::isnan(points[0].float64));  // log of 0.05 - 0.1
  const std::string chart = eps_chart(points);
  CHECK(contains(chart, "1e-01        nan        nan   "));
  CHECK_FALSE(contains(chart, "best: float64 nan"));
  CHECK_FALSE(contains(chart, "no truncation error"));
  CHECK(contains(chart, ", float32 "));
  const auto nothing = eps_sweep([](In in) { return log(in[0]); }, {Tensor::of<double>({-1}, {1})});
  CHECK(contains(eps_chart(nothing), "best: float64 nan at every eps"));
}

TEST_CASE("only float64 inputs are swept") {
  CHECK(tests::refusal([] {
          static_cast<void>(eps_sweep([](In in) { return in[0]; }, {tensor::ones({2})}));
        }) == "eps_sweep: inputs must be float64, got float32");
}
