// Gradients that are right but for a factor: the same one everywhere, or one that varies as the
// result or an input does.
#include <algorithm>
#include <cmath>
#include <set>

#include "autograd/diagnosis_case.h"
#include "lib/text.h"

namespace qkv::autograd {
namespace {

using lib::str;
using tensor::Shape;

Values map(const Values& a, const Values& b, double (*f)(double, double)) {
  Values result(a.size());
  std::transform(a.begin(), a.end(), b.begin(), result.begin(), f);
  return result;
}

std::set<int64_t> sizes_around(const Case& c) {
  std::set<int64_t> sizes;
  const auto add = [&](const Shape& shape) {
    for (int axis = 0; axis < shape.rank(); ++axis) sizes.insert(shape[axis]);
    sizes.insert(shape.numel());
  };
  for (const Gradient& g : c.all.inputs) add(g.shape);
  add(c.all.output);
  sizes.erase(0), sizes.erase(1);
  return sizes;
}

// What a constant factor may stand for, by the sizes of the axes around it; empty if unknown.
std::string meaning(const Case& c, double factor) {
  const auto is = [&](double value) { return std::abs(factor - value) <= 1e-4 * std::abs(value); };
  std::vector<std::string> readings;
  if (is(-1)) readings.push_back("the sign is lost");
  if (is(2)) readings.push_back("counted twice, or the 1/2 of a square is missing");
  if (is(0.5)) readings.push_back("the 2 of a square's derivative is missing");
  for (const int64_t n : sizes_around(c)) {
    const double size = static_cast<double>(n), root = std::sqrt(size);
    if (is(size)) readings.push_back(str("a sum for a mean: 1/n is forgotten, n = ", n));
    if (is(1 / size)) readings.push_back(str("a mean for a sum: divided by n = ", n));
    if (is(root)) readings.push_back(str("1/√D is forgotten, D = ", n));
    if (is(1 / root)) readings.push_back(str("1/√D too many, D = ", n));
  }
  std::string text;
  for (size_t i = 0; i < readings.size() && i < 3; ++i)
    text += (i == 0 ? "" : "; or ") + readings[i];
  return text;
}

}  // namespace

std::string constant_factor(const Case& c) {
  double an = 0, nn = 0;
  for (size_t i = 0; i < c.g.numeric.size(); ++i) {
    an += c.g.analytic[i] * c.g.numeric[i];
    nn += c.g.numeric[i] * c.g.numeric[i];
  }
  const double factor = an / nn;  // the best in the sense of least squares
  Values scaled = c.g.numeric;
  for (double& v : scaled) v *= factor;
  if (!std::isfinite(factor) || !equal(c.g.analytic, scaled)) return "";
  const std::string why = meaning(c, factor);
  const auto zeros = std::count(c.g.numeric.begin(), c.g.numeric.end(), 0.0);
  const bool single = c.g.numeric.size() < static_cast<size_t>(zeros) + 2;
  if (why.empty() && single) return "";  // one number is always a multiple of another
  return str("constant factor ", factor, ": backward gives ", factor,
             " times the slope everywhere; perhaps ", why.empty() ? "a constant is wrong" : why);
}

// A factor that varies as the result, an input, or a function of the result does.
std::string varying_factor(const Case& c) {
  struct Factor {
    std::string name;
    Values values;
  };
  std::vector<Factor> factors;
  const auto add = [&](const std::string& name, const Shape& shape, const Values& values) {
    if (shape != c.g.shape) return;
    factors.push_back({name, values});
    factors.push_back({name + "²", map(values, values, [](double a, double b) { return a * b; })});
    Values rest = values;
    for (double& v : rest) v = 1 - v;
    factors.push_back({"(1 - " + name + ")", rest});
  };
  add("y, the result", c.all.output, c.all.y);
  for (size_t i = 0; i < c.all.inputs.size(); ++i) {
    add(i == c.input ? "x, the input itself" : str("input ", i), c.all.inputs[i].shape,
        c.all.inputs[i].x);
  }
  const auto times = [](double a, double b) { return a * b; };
  const auto over = [](double a, double b) { return b == 0 ? 0 : a / b; };
  for (const Factor& f : factors) {
    if (explains(c, map(c.g.numeric, f.values, over))) {
      return str("missing factor ", f.name,
                 ": multiplied by it, element by element, the gradient "
                 "is right");
    }
    if (explains(c, map(c.g.numeric, f.values, times))) {
      return str("factor too many, ", f.name,
                 ": divided by it, element by element, the gradient "
                 "is right");
    }
  }
  return "";
}

}  // namespace qkv::autograd
