// The Taylor slope: 2 for a right derivative, 1 for a wrong one, whatever the function looks like.
#include "autograd/taylor.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace qkv::autograd;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TaylorFit fit(double (*f)(double), double slope) {
  return taylor_fit({{[f](double h) { return f(h); }, slope}});
}

struct Line {
  std::string name;
  double (*f)(double h);
  double slope;  // f'(0)
};

const std::vector<Line> kCurves = {
    {"exp", [](double h) { return std::exp(0.3 + h); }, std::exp(0.3)},
    {"sin", [](double h) { return std::sin(1 + h); }, std::cos(1)},
    {"square", [](double h) { return (2 + h) * (2 + h); }, 4},
    {"small", [](double h) { return 1e-3 * std::exp(h); }, 1e-3},
    {"large", [](double h) { return 1e3 * std::exp(h); }, 1e3},
    {"on a height", [](double h) { return 100 + std::exp(h); }, 1},
    {"flat", [](double h) { return std::cos(h); }, 0},
    {"sqrt", [](double h) { return std::sqrt(0.5 + h); }, 0.5 / std::sqrt(0.5)},
    {"two kinks nearby", [](double h) { return std::exp(h) + std::abs(h - 0.02); }, 0},
};

}  // namespace

TEST_CASE("a right slope leaves a remainder that vanishes like the square of the step") {
  for (const Line& line : kCurves) {
    INFO(line.name);
    const TaylorFit right = fit(line.f, line.slope);
    CHECK_FALSE(right.exact);
    CHECK(std::abs(right.slope - 2) <= 0.05);
    CHECK(right.agrees());
    CHECK(right.text() == "2.0");
  }
}

TEST_CASE("a wrong slope leaves a remainder that vanishes like the step") {
  for (const Line& line : kCurves) {
    for (const double error : {1.0, -0.3, 1e-2, 1e-4}) {
      INFO(line.name, ", error ", error);
      const TaylorFit wrong = fit(line.f, line.slope + error * std::max(1.0, line.slope));
      CHECK(std::abs(wrong.slope - 1) <= 0.1);
      CHECK_FALSE(wrong.agrees());
      CHECK(wrong.text().starts_with("1."));
    }
  }
}

TEST_CASE("a straight line has no remainder but rounding, and is told so only if it is right") {
  const auto line = [](double h) { return 0.7 + h / 3; };
  const TaylorFit right = fit(line, 1.0 / 3);
  CHECK(right.exact);
  CHECK(right.agrees());
  CHECK(right.text() == "exact");
  const TaylorFit wrong = fit(line, 1.0 / 3 + 1e-6);
  CHECK_FALSE(wrong.agrees());
  CHECK(std::abs(wrong.slope - 1) <= 0.1);
}

TEST_CASE("pieces of straight lines are exact: the kinks are seen by large steps only") {
  for (const double kink : {0.002, 0.02, 0.05, 0.09}) {
    const TaylorFit right =
        taylor_fit({{[kink](double h) { return std::max(h - kink, 0.0) + 0.5 * h; }, 0.5}});
    CHECK(right.exact);
    const TaylorFit wrong =
        taylor_fit({{[kink](double h) { return std::max(h - kink, 0.0) + 0.5 * h; }, 0.4}});
    CHECK_FALSE(wrong.agrees());
  }
}

TEST_CASE("a kink at the point itself looks like a wrong slope") {
  CHECK(std::abs(fit([](double h) { return std::abs(h); }, 0).slope - 1) <= 1e-6);
}

TEST_CASE("a slope that is not a number agrees with nothing") {
  for (const double slope : {kNan, 1 / 0.0}) {
    const TaylorFit wrong = fit([](double h) { return std::exp(h); }, slope);
    CHECK_FALSE(wrong.agrees());
    CHECK(wrong.text() == "nan");
  }
  CHECK_FALSE(fit([](double) { return kNan; }, 0).agrees());
}

TEST_CASE("one step at which there is no number is enough where rounding is measured") {
  const auto hole = [](double h) {
    return std::abs(h) > 0.9e-10 && std::abs(h) < 2e-10 ? kNan : h;
  };
  CHECK_FALSE(fit(hole, 1).agrees());
}

TEST_CASE("steps that leave where the function is defined do not count") {
  const TaylorFit right = fit([](double h) { return std::log(0.01 + h); }, 100);
  CHECK(std::abs(right.slope - 2) <= 0.05);
  CHECK_FALSE(fit([](double h) { return std::log(0.01 + h); }, 101).agrees());
}

TEST_CASE("a remainder whose parts cancel in one direction shows in the other") {
  // h² - 5e5 h³ is 0 at h = 2e-6: one way only, the slope around there would be less than 2.
  CHECK(fit([](double h) { return h * h - 5e5 * h * h * h; }, 0).slope >= 1.97);
}

TEST_CASE("one wrong direction among right ones is enough") {
  const Direction right{[](double h) { return std::exp(h); }, 1};
  const Direction wrong{[](double h) { return std::exp(h); }, 1.01};
  CHECK(taylor_fit({right, right}).agrees());
  CHECK_FALSE(taylor_fit({right, wrong}).agrees());
  CHECK(taylor_fit({}).exact);
}
