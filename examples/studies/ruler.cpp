// Both kinds of logarithmic ruler are linear ones over the logarithm, whose steps are whole.
#include "examples/studies/ruler.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace qkv::examples {
namespace {

constexpr double kIntervals = 9;    // between ticks, at most
constexpr double kLargest = 1e300;  // so that differences are finite

// The smallest of 1, 2, 5, 10, 20, 50 ... (times a power of ten, also a negative one) that is no
// less than x.
double round_step(double x) {
  const double power = std::pow(10, std::floor(std::log10(x)));
  for (const double factor : {1, 2, 5}) {
    if (factor * power >= x * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

}  // namespace

std::string short_number(double value, int digits) {
  if (std::isnan(value)) return "none";
  char text[32];
  if (std::abs(value) >= std::pow(10, digits) && std::abs(value) < 1e6) {
    std::snprintf(text, sizeof text, "%.0f", value);  // 1030 rather than 1.03e3
  } else {
    std::snprintf(text, sizeof text, "%.*g", digits, value == 0 ? 0 : value);  // no -0
  }
  std::string number = text;
  const size_t e = number.find('e');
  if (e == std::string::npos) return number;
  size_t zeros = e + 2;  // behind the sign
  while (zeros + 1 < number.size() && number[zeros] == '0') number.erase(zeros, 1);
  if (number[e + 1] == '+') number.erase(e + 1, 1);
  return number;
}

Ruler::Ruler(Scale scale, const std::vector<double>& values, double begin, double end)
    : scale_(scale), begin_(begin), end_(end) {
  std::vector<double> positions;
  for (const double value : values) {
    if (has_place(value)) positions.push_back(position(value));
  }
  empty_ = positions.empty();
  if (empty_) positions = {0, 1};
  const auto [low, high] = std::minmax_element(positions.begin(), positions.end());
  choose_ticks(*low, *high);
}

bool Ruler::has_place(double value) const {
  return std::abs(value) <= kLargest && (scale_ == Scale::linear || value > 0);
}

double Ruler::position(double value) const {
  switch (scale_) {
    case Scale::log2:
      return std::log2(value);
    case Scale::log10:
      return std::log10(value);
    default:
      return value;
  }
}

double Ruler::at(double value) const {
  return begin_ + (position(value) - low_) / (high_ - low_) * (end_ - begin_);
}

void Ruler::choose_ticks(double low, double high) {
  const bool linear = scale_ == Scale::linear;
  // A range too narrow for its numbers' last digits is as good as a single value.
  if (high - low <= 1e-9 * std::max(std::abs(low), std::abs(high))) {
    const double room = linear && low != 0 ? std::abs(low) / 2 : 1;
    low -= room, high += room;
  }
  double step = round_step((high - low) / kIntervals);
  if (!linear) step = std::max(1.0, step);
  const double first = std::floor(low / step + 1e-9), last = std::ceil(high / step - 1e-9);
  low_ = first * step, high_ = last * step;
  for (double i = first; i <= last; ++i) {
    const double p = i * step;
    const double value = linear ? p : std::pow(scale_ == Scale::log2 ? 2 : 10, p);
    ticks_.push_back({value, short_number(value)});
  }
}

}  // namespace qkv::examples
