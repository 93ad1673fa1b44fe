// The sweep, and its chart: float64 is o, float32 is x, both at one place are *.
#include "autograd/eps_sweep.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <stdexcept>

#include "autograd/engine.h"
#include "lib/text.h"

namespace qkv::autograd {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int kSteps = 12;   // decades of eps, and of the error
constexpr int kColumns = 5;  // for each decade of the error

using Values = std::vector<double>;

// The largest difference between central differences and the gradients. What is subtracted and
// divided here is float64 in either case: the numbers that the function returns are not.
double largest_error(Point& point, const Tensor& r, const std::vector<Values>& gradients,
                     double eps) {
  double worst = 0;
  for (size_t i = 0; i < gradients.size(); ++i) {
    for (size_t e = 0; e < gradients[i].size(); ++e) {
      const auto place = static_cast<int64_t>(e);
      const double at = point.at(i, place);
      point.set(i, place, at + eps);
      const double up = point.loss(r);
      point.set(i, place, at - eps);
      const double down = point.loss(r);
      point.set(i, place, at);
      const double error = std::abs((up - down) / (2 * eps) - gradients[i][e]);
      worst = larger(worst, error);
    }
  }
  return worst;
}

double largest(const std::vector<Values>& gradients) {
  double size = 0;
  for (const Values& values : gradients) {
    for (const double v : values) size = std::max(size, std::abs(v));
  }
  return size;
}

std::vector<Tensor> converted(const std::vector<Tensor>& inputs, Dtype dtype) {
  std::vector<Tensor> result;
  for (const Tensor& input : inputs) result.push_back(input.to(dtype));
  return result;
}

// ---- the chart ---------------------------------------------------------------------------------

int column(double error) {
  const double decades = std::log10(std::max(error, 1e-300)) + kSteps;
  return static_cast<int>(std::lround(std::clamp(decades, 0.0, double{kSteps}) * kColumns));
}

void mark(std::string& line, double error, char sign) {
  if (error != error) return;
  char& place = line[static_cast<size_t>(column(error))];
  place = place == 'o' ? '*' : sign;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1e", value);
  return text;
}

// No number at all in the float32 column: the function refuses float32.
bool has_float32(const std::vector<EpsPoint>& points) {
  return std::any_of(points.begin(), points.end(),
                     [](const EpsPoint& p) { return p.float32 == p.float32; });
}

std::string chart_line(const EpsPoint& point, bool with_float32) {
  std::string line(kSteps * kColumns + 1, ' ');
  for (size_t tick = 0; tick < line.size(); tick += 3 * kColumns) line[tick] = '.';
  mark(line, point.float64, 'o');
  mark(line, point.float32, 'x');
  while (line.back() == ' ') line.pop_back();
  char text[64];
  std::snprintf(text, sizeof text, "1e-%02d   %8s   %8s   ",
                static_cast<int>(std::lround(-std::log10(point.eps))),
                number(point.float64).c_str(), with_float32 ? number(point.float32).c_str() : "-");
  return text + line + "\n";
}

// The least number; NaN, as of log at x < eps, is none.
template <class Error>
std::string best(const std::vector<EpsPoint>& points, const Error& error) {
  const EpsPoint* least = nullptr;
  for (const EpsPoint& p : points) {
    if (least == nullptr ? error(p) == error(p) : error(p) < error(*least)) least = &p;
  }
  if (least == nullptr) return "nan at every eps";
  return lib::str(number(error(*least)), " at eps ", least->eps);
}

}  // namespace

std::vector<EpsPoint> eps_sweep(const Function& function, const std::vector<Tensor>& inputs,
                                uint64_t seed) {
  for (const Tensor& input : inputs) {
    if (input.dtype() != Dtype::float64) {
      lib::fail("eps_sweep: inputs must be float64, got ", input.dtype());
    }
  }
  Point in64(function, inputs), in32(function, converted(inputs, Dtype::float32));
  const std::vector<Variable> leaves = in64.leaves();
  const Variable y = function(leaves);
  lib::Generator generator(seed);
  const Tensor r = tensor::uniform(y.shape(), -1, 1, generator, Dtype::float64);
  std::vector<Values> gradients;
  for (const Variable& dx : grad({y}, leaves, {r})) gradients.push_back(dx.value().to_vector());
  const double size = largest(gradients), scale = size > 0 ? size : 1;
  bool takes_float32 = true;
  try {
    takes_float32 = in32.value().dtype() == Dtype::float32;
  } catch (const std::invalid_argument&) {
    takes_float32 = false;  // it holds float64 numbers of its own
  }
  std::vector<EpsPoint> points;
  for (int k = 1; k <= kSteps; ++k) {
    const double eps = std::pow(10.0, -k);
    const double error32 =
        takes_float32 ? largest_error(in32, r.to(Dtype::float32), gradients, eps) / scale : kNan;
    points.push_back({eps, largest_error(in64, r, gradients, eps) / scale, error32});
  }
  return points;
}

std::string eps_chart(const std::vector<EpsPoint>& points) {
  std::string text = "eps      float64    float32   ";
  for (const char* tick : {"1e-12", "1e-9", "1e-6", "1e-3"}) {
    text += std::string(tick) + std::string(15 - std::string(tick).size(), ' ');
  }
  text += "1\n";
  const bool with_float32 = has_float32(points);
  for (const EpsPoint& point : points) text += chart_line(point, with_float32);
  const bool curved = !(points[0].float64 <= 1e-10);
  text += curved ? "\nlarge eps: truncation. The error is eps² L'''/6, a hundredth for a tenth of "
                   "eps.\n"
                 : "\nlarge eps: no truncation error, since nothing of third order is there: L''' "
                   "is 0.\n";
  text +=
      "small eps: rounding. L is known to u |L|, and the error u |L| / eps grows as eps falls;\n"
      "  u is 1.1e-16 in float64 (o) and 6.0e-08 in float32 (x).\n";
  text += "best: float64 " + best(points, [](const EpsPoint& p) { return p.float64; });
  if (with_float32) {
    text += ", float32 " + best(points, [](const EpsPoint& p) { return p.float32; }) +
            ".\nIn float32 no eps shows a smaller mistake than that";
  }
  return text +
         ". Gradients are checked in\nfloat64 with eps 1e-06: both branches are far below the "
         "tolerance there.\n";
}

}  // namespace qkv::autograd
