// Where a function bends: a kink is reported as one, with its two slopes. It neither fails a right
// gradient nor excuses a wrong one, and curvature is not taken for it.
#include <doctest/doctest.h>

#include <cmath>

#include "autograd/grad_check.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"

using namespace qkv;
using namespace qkv::autograd;

namespace {

using In = const std::vector<Variable>&;

Tensor column(const std::vector<double>& values) {
  return Tensor::of(values, {static_cast<int64_t>(values.size())});
}

GradCheckReport check_relu(const std::vector<double>& x) {
  return grad_check("relu", [](In in) { return relu(in[0]); }, {column(x)});
}

// relu or |x| whose slope is multiplied by a wrong factor.
template <class Slope>
Function planted(Tensor (*forward)(const Tensor&), const Slope& slope) {
  return [=](In in) {
    return record("planted", {in[0]}, forward(in[0].value()),
                  [x = in[0].value().to_vector(), slope](const Variable& dy) -> Grads {
                    std::vector<double> factors;
                    for (const double v : x) factors.push_back(slope(v));
                    return {dy * Variable(column(factors))};
                  });
  };
}

Tensor absolute(const Tensor& x) { return tensor::sqrt(tensor::mul(x, x)); }

// A function of one number and its slope, right or wrong.
Function of_one(double (*f)(double), double (*slope)(double)) {
  return [=](In in) {
    std::vector<double> values = in[0].value().to_vector();
    const std::vector<double> x = values;
    for (double& v : values) v = f(v);
    return record("of_one", {in[0]}, column(values), [=](const Variable& dy) -> Grads {
      std::vector<double> factors;
      for (const double v : x) factors.push_back(slope(v));
      return {dy * Variable(column(factors))};
    });
  };
}

}  // namespace

TEST_CASE("relu at 0 is a kink with slopes 0 and dy and everything else is compared") {
  const auto report = check_relu({0.5, 0, -0.7});
  CHECK(report.passed);
  CHECK(report.elements == 2);
  REQUIRE(report.kinks.size() == 1);
  const Kink& kink = report.kinks[0];
  CHECK(kink.input == 0);
  CHECK(kink.index == "(1,)");
  CHECK(kink.analytic == 0);
  CHECK(std::min(std::abs(kink.below), std::abs(kink.above)) <= 1e-9);
  CHECK(std::max(std::abs(kink.below), std::abs(kink.above)) >= 1e-3);
  CHECK(kink.text().starts_with("kink at input 0 (1,): the slope is "));
  CHECK(report.taylor.agrees());
}

TEST_CASE("an absolute value at 0 is a kink even where central differences agree with backward") {
  const auto sign = [](double v) { return double(v > 0) - double(v < 0); };
  const auto report = grad_check("abs", planted(absolute, sign), {column({0, 1, -2})});
  CHECK(report.passed);
  CHECK(report.kinks.size() == 1);
  CHECK(report.elements == 2);
}

TEST_CASE("a maximum that two elements share is a kink at both") {
  const auto report =
      grad_check("max", [](In in) { return max(in[0], 0); }, {column({1, 3, 3, 2})});
  CHECK(report.passed);
  REQUIRE(report.kinks.size() == 2);
  CHECK(report.kinks[0].index == "(1,)");
  CHECK(report.kinks[1].index == "(2,)");
  CHECK(report.elements == 2);
}

TEST_CASE("a kink anywhere within eps is found") {
  for (const double distance :
       {0.0, 1e-8, 5e-8, 7e-8, 0.9e-7, 0.909e-7, 0.98e-7, 1.1e-7, 3e-7, 7e-7, 0.95e-6}) {
    for (const double side : {-1, 1}) {
      INFO(side * distance);
      const auto report = check_relu({0.5, side * distance, -0.7, 1});
      CHECK(report.passed);
      CHECK(report.kinks.size() == 1);
      CHECK(report.elements == 3);
    }
  }
  CHECK(check_relu({0.5, 2e-6, -2e-6}).kinks.empty());
}

TEST_CASE("a wrong gradient at or near a kink still fails") {
  for (const double at : {0.0, 3e-7, -3e-7}) {
    for (const double wrong : {-1.0, 1.5, 0.5}) {
      if (at == 0 && wrong == 0.5) continue;  // between the two slopes: as good as either
      INFO(at, " ", wrong);
      const auto slope = [=](double v) { return std::abs(v) < 1e-3 ? wrong : double(v > 0); };
      const auto report = grad_check("relu", planted(tensor::relu, slope), {column({1, at, -1})});
      CHECK_FALSE(report.passed);
      CHECK(report.wrong_elements == 1);
      CHECK(report.worst.index == "(1,)");
      CHECK(report.kinks.empty());
    }
  }
}

TEST_CASE("a wrong gradient beside a kink is not excused by it") {
  const auto twice = [](double v) { return v > 0 ? 2.0 : 0.0; };
  const auto report =
      grad_check("relu", planted(tensor::relu, twice), {column({0, 0.5, -0.7, 1.5})});
  CHECK_FALSE(report.passed);
  CHECK(report.wrong_elements == 2);
  CHECK(report.kinks.size() == 1);
  CHECK(report.message.find("besides  kink at input 0 (0,): ") != std::string::npos);
  CHECK(report.diagnoses.at(0).starts_with("input 0: constant factor 2: "));
}

TEST_CASE("a gradient that is not a number is not excused by a kink") {
  const auto nan = [](double v) { return v == 0 ? std::nan("") : double(v > 0); };
  const auto report = grad_check("relu", planted(tensor::relu, nan), {column({0, 1, -1})});
  CHECK_FALSE(report.passed);
  CHECK(report.wrong_elements == 1);
  CHECK(report.diagnoses.at(0).starts_with("input 0: non-finite: 1 of 3"));
}

TEST_CASE("an input with nothing but kinks does not count as checked") {
  const auto report = check_relu({0, 0, 0});
  CHECK_FALSE(report.passed);
  CHECK(report.elements == 0);
  CHECK(report.kinks.size() == 3);
  CHECK(report.message ==
        "relu: input 0 was not checked: all of its 3 elements lie at kinks; "
        "choose inputs away from them");
}

TEST_CASE("an input of kinks does not hide that another input is wrong") {
  const auto twice = [](double v) { return v > 0 ? 2.0 : 0.0; };
  const Function both = [&](In in) { return relu(in[0]) + planted(tensor::relu, twice)({in[1]}); };
  const auto report = grad_check("both", both, {column({0, 0}), column({1, 2})});
  CHECK_FALSE(report.passed);
  CHECK(report.kinks.size() == 2);
  CHECK(report.diagnoses.at(0).starts_with("input 1: constant factor 2: "));
}

TEST_CASE("curvature is not a kink however strong") {
  for (const double curvature : {1.0, 100.0, 1e4}) {
    const Function bend = [=](In in) { return exp(in[0] * curvature) * (1 / curvature); };
    const auto report = grad_check("bend", bend, {column({0, 1e-5, -1e-4})}, {.eps = 1e-6});
    CHECK(report.passed);  // at 1e4 only because the check looks closer
    CHECK(report.kinks.empty());
  }
  const Function wrong = [](In in) {
    return record("exp", {in[0]}, tensor::exp(in[0].value()),
                  [](const Variable& dy, const Variable& y) -> Grads { return {dy * y * 1.001}; });
  };
  const auto report = grad_check("exp", wrong, {column({1, 2, 3})});
  CHECK(report.wrong_elements == 3);
  CHECK(report.kinks.empty());
}

TEST_CASE("a jump is refused and named whatever gradient is given there") {
  for (const auto slope : {+[](double) { return 0.0; }, +[](double) { return 12345.0; },
                           +[](double) { return -12345.0; }}) {
    const Function floor_of = of_one([](double v) { return std::floor(v); }, slope);
    const auto report = grad_check("floor", floor_of, {column({1, 2, 0.5})});
    CHECK_FALSE(report.passed);
    CHECK(report.kinks.empty());
    CHECK(report.jumps.size() == 2);
    CHECK(report.message.find("jump at input 0 (0,): the slope is ") != std::string::npos);
  }
  const auto cusp = grad_check("cusp",
                               of_one([](double v) { return std::sqrt(std::abs(v)); },
                                      [](double v) { return 0.5 / std::sqrt(v + 1e-300); }),
                               {column({0, 1})});
  CHECK_FALSE(cusp.passed);
  CHECK(cusp.kinks.empty());
  CHECK(cusp.jumps.size() == 1);
}

TEST_CASE("steep curvature beside regular elements excuses no wrong gradient") {
  const auto check = [](double at, double (*f)(double), double (*slope)(double)) {
    const auto report = grad_check("steep", of_one(f, slope), {column({at, 0.5})});
    CHECK_FALSE(report.passed);
    CHECK(report.wrong_elements == 1);
    CHECK(report.kinks.empty());
    CHECK(report.too_steep.empty());
  };
  check(
      5e-6, [](double v) { return std::log(v); },
      [](double v) { return v < 1e-3 ? 1 / (v + 1e-8) : 1 / v; });
  check(
      4e-6, [](double v) { return std::sqrt(v); },
      [](double v) { return (v < 1e-3 ? 1.005 : 1) * 0.5 / std::sqrt(v); });
  check(
      1e-5, [](double v) { return 1 / v; },
      [](double v) { return (v < 1e-3 ? 1.005 : 1) / (-v * v); });
}

TEST_CASE("a right gradient where eps is not small against x fails and is told so") {
  const auto report = grad_check(
      "log", of_one([](double v) { return std::log(v); }, [](double v) { return 1 / v; }),
      {column({5e-6, 0.5})});
  CHECK_FALSE(report.passed);
  CHECK(report.kinks.empty());
  CHECK(report.message.find("input 0 at (0,): a tenth of eps leaves a hundredth of the error") !=
        std::string::npos);
}

TEST_CASE("a small kink is found and a small kink beside large results") {
  for (const uint64_t seed : {0u, 1u, 2u, 3u}) {
    const auto small = grad_check("relu", [](In in) { return relu(in[0]) * 1e-6; },
                                  {column({0, 2, -3})}, {.seed = seed});
    CHECK_MESSAGE(small.passed, small.message);
    CHECK(small.kinks.size() == 1);
    const Function beside = [](In in) {
      return concat({relu(in[0]) * 1e-3, in[0] * 0.0 + 1000.0}, 0);
    };
    const auto large = grad_check("relu", beside, {column({0, 2, -3})}, {.seed = seed});
    CHECK_MESSAGE(large.passed, large.message);
    CHECK(large.kinks.size() == 1);
  }
}
