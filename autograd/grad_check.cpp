// Central differences against backward, element by element; then all elements at once (taylor.h).
// What is found wrong is examined (diagnosis.h), and told in grad_report.cpp.
#include "autograd/grad_check.h"

#include <algorithm>
#include <cmath>

#include "autograd/diagnosis_case.h"
#include "autograd/engine.h"
#include "autograd/grad_report.h"
#include "autograd/ops.h"

namespace qkv::autograd {
namespace {

constexpr uint64_t kCotangentStream = 0xc07a, kDirectionStream = 0xd14e;
constexpr int64_t kLargestJacobian = 1 << 20;  // elements; beyond, a diagnosis does without

// The check of one function at one point.
class Check {
 public:
  Check(const Function& function, const std::vector<Tensor>& inputs,
        const GradCheckOptions& options);
  GradCheckReport run(const std::string& name);

 private:
  [[nodiscard]] double excess(const GradDifference& d) const;
  Bend look_closer(GradDifference& d, size_t input, int64_t place, const Slopes& far, double h);
  [[nodiscard]] bool between(const Slopes& sides, double slope) const;
  void compare(size_t input, int64_t place);
  void add(const GradDifference& d);
  double loss_along(const std::vector<Values>& d, double h);
  TaylorFit taylor();
  Values jacobian(size_t input);
  void diagnose_wrong_inputs();
  [[nodiscard]] std::string obstacle() const;

  GradCheckOptions options_;
  Point point_;
  Tensor r_, value_;                            // the cotangent, and the result at the inputs
  double here_ = 0;                             // L at the inputs
  std::vector<Values> x_, analytic_, numeric_;  // of each input, in row-major order
  std::vector<std::vector<bool>> is_kink_;      // or a jump
  std::vector<int64_t> wrong_in_;               // elements of each input
  std::string values_differ_;                   // a sentence, if recording changes the value
  double worst_excess_ = -1;
  GradCheckReport report_;
};

Check::Check(const Function& function, const std::vector<Tensor>& inputs,
             const GradCheckOptions& options)
    : options_(options), point_(function, inputs) {
  const std::vector<Variable> leaves = point_.leaves();
  const Variable y = function(leaves);
  lib::Generator generator(options.seed, kCotangentStream);
  r_ = random_cotangent(y.shape(), generator);
  if (y.requires_grad()) {
    for (const Variable& dx : grad({y}, leaves, {Variable(r_)})) {
      analytic_.push_back(dx.value().to_vector());
    }
  } else {  // nothing comes back: zeros, which are right for a constant only
    for (const Tensor& x : point_.inputs()) {
      analytic_.emplace_back(static_cast<size_t>(x.numel()), 0.0);
    }
  }
  value_ = point_.value();
  values_differ_ = value_difference(y.value(), value_);
  if (r_.shape() != value_.shape()) return;  // nothing to compare
  here_ = point_.loss(r_);
  for (const Tensor& x : point_.inputs()) {
    x_.push_back(x.to_vector());
    is_kink_.emplace_back(x_.back().size(), false);
  }
  numeric_ = x_;
  wrong_in_.assign(x_.size(), 0);
}

// How far outside its tolerance: above 1 is wrong. NaN counts as infinitely far.
double Check::excess(const GradDifference& d) const {
  const double ratio = d.absolute_error() / (options_.atol + options_.rtol * std::abs(d.numeric));
  return ratio == ratio ? ratio : INFINITY;
}

// Is this slope, within the tolerance, one of the two or one between them?
bool Check::between(const Slopes& sides, double slope) const {
  const double nearest =
      std::clamp(slope, std::min(sides.below, sides.above), std::max(sides.below, sides.above));
  return std::abs(slope - nearest) <= options_.atol + options_.rtol * std::abs(nearest);
}

// At a tenth of the step h: says what kind of point this is, if it excuses the gradient or leaves
// nothing to compare; else judges the gradient once more, by the smaller step.
Bend Check::look_closer(GradDifference& d, size_t input, int64_t place, const Slopes& far,
                        double h) {
  const bool first = h == options_.eps;
  const Slopes near = point_.slopes(input, place, h / 10, r_, value_);
  const Bend found = bend(far, near, 1e-13 * std::max(1.0, std::abs(here_)) / h);
  if (found == Bend::jump && !first) return Bend::smooth;  // the larger steps saw none: rounding
  GradDifference closer = d;
  closer.numeric = near.central;
  const bool excused = found == Bend::jump || (found == Bend::past && excess(closer) <= 1) ||
                       (found == Bend::kink && between(near, d.analytic));
  if (excused) {
    auto& list = found == Bend::jump ? report_.jumps : report_.kinks;
    list.push_back({d.input, d.index, d.analytic, near.below, near.above});
    return found;
  }
  if (!first) return Bend::smooth;
  // A bend between a tenth and a hundredth of the step has a gap like that of curvature.
  if (found == Bend::smooth && excess(closer) > 1) {
    const Bend nearer = look_closer(d, input, place, near, h / 10);
    if (nearer != Bend::smooth) return nearer;
  }
  // Where a curve is very steep the error is the step's: a tenth of it has a hundredth of that.
  const double before = d.absolute_error(), after = closer.absolute_error();
  if (excess(closer) > 1 && after < 0.02 * before) {
    report_.too_steep.push_back(lib::str("input ", d.input, " at ", d.index));
  }
  if (found != Bend::smooth || (excess(d) > 1 && after < before)) d.numeric = near.central;
  return Bend::smooth;
}

void Check::compare(size_t input, int64_t place) {
  const auto e = static_cast<size_t>(place);
  const Slopes far = point_.slopes(input, place, options_.eps, r_, value_);
  GradDifference d{.input = static_cast<int>(input),
                   .index = index_text(place, point_.inputs()[input].shape()),
                   .analytic = analytic_[input][e],
                   .numeric = far.central};
  if (excess(d) > 1 || std::abs(far.gap()) > 1e-3 * far.size()) {
    if (look_closer(d, input, place, far, options_.eps) != Bend::smooth) {
      is_kink_[input][e] = true;
      numeric_[input][e] = d.analytic;
      return;
    }
  }
  numeric_[input][e] = d.numeric;
  add(d);
}

void Check::add(const GradDifference& d) {
  report_.elements += 1;
  report_.worst_relative_error = larger(report_.worst_relative_error, d.relative_error());
  const double far = excess(d);
  if (far > worst_excess_) {
    worst_excess_ = far;
    report_.worst = d;
  }
  if (far <= 1) return;
  report_.wrong_elements += 1;
  wrong_in_[static_cast<size_t>(d.input)] += 1;
  auto& worst = report_.worst_elements;  // the five that are worst, sorted
  const auto worse = [this](const auto& a, const auto& b) { return excess(a) > excess(b); };
  worst.insert(std::upper_bound(worst.begin(), worst.end(), d, worse), d);
  if (worst.size() > 5) worst.pop_back();
}

// L(x + h d), all elements moved at once.
double Check::loss_along(const std::vector<Values>& d, double h) {
  const auto move = [&](double step) {
    for (size_t i = 0; i < d.size(); ++i) {
      for (size_t e = 0; e < d[i].size(); ++e) {
        point_.set(i, static_cast<int64_t>(e), x_[i][e] + step * d[i][e]);
      }
    }
  };
  move(h);
  const double loss = point_.loss(r_);
  move(0);
  return loss;
}

// Two random directions, each taken both ways. Elements at a kink stay where they are.
TaylorFit Check::taylor() {
  if (report_.elements == 0) return {};
  std::vector<Direction> directions;
  lib::Generator generator(options_.seed, kDirectionStream);
  for (int k = 0; k < 2; ++k) {
    std::vector<Values> d = analytic_;
    double slope = 0;
    for (size_t i = 0; i < d.size(); ++i) {
      for (size_t e = 0; e < d[i].size(); ++e) {
        d[i][e] = is_kink_[i][e] ? 0 : 2 * generator.uniform() - 1;
        if (!is_kink_[i][e]) slope += d[i][e] * analytic_[i][e];
      }
    }
    directions.push_back({[this, d](double h) { return loss_along(d, h); }, slope});
  }
  return taylor_fit(directions);
}

// What each element of the result does when one element of the input moves: (inputs, outputs).
Values Check::jacobian(size_t input) {
  Values slopes;
  const auto elements = static_cast<int64_t>(x_[input].size());
  if (elements * r_.numel() > kLargestJacobian) return slopes;
  for (int64_t place = 0; place < elements; ++place) {
    const double at = point_.at(input, place);
    point_.set(input, place, at + options_.eps);
    const Values up = point_.value().to_vector();
    point_.set(input, place, at - options_.eps);
    const Values down = point_.value().to_vector();
    point_.set(input, place, at);
    for (size_t o = 0; o < up.size(); ++o) slopes.push_back((up[o] - down[o]) / (2 * options_.eps));
  }
  return slopes;
}

void Check::diagnose_wrong_inputs() {
  Evidence evidence{{}, r_.shape(), value_.to_vector(), r_.to_vector()};
  for (size_t i = 0; i < x_.size(); ++i) {
    evidence.inputs.push_back({point_.inputs()[i].shape(), x_[i], analytic_[i], numeric_[i],
                               wrong_in_[i] > 0 ? jacobian(i) : Values()});
  }
  for (size_t i = 0; i < x_.size(); ++i) {
    const std::string sentence = wrong_in_[i] > 0 ? diagnose(evidence, i) : "";
    if (!sentence.empty()) report_.diagnoses.push_back(lib::str("input ", i, ": ", sentence));
  }
}

// What makes all numbers meaningless, or leaves an input without any; empty if nothing does.
std::string Check::obstacle() const {
  if (r_.shape() != value_.shape()) return values_differ_;
  if (const double again = point_.loss(r_); again != here_ && !std::isnan(here_)) {
    return lib::str("the function is random: at the same inputs the loss was ", here_, ", then ",
                    again, "; draw the same numbers at every call");
  }
  if (!values_differ_.empty()) return values_differ_;
  if (report_.wrong_elements > 0) return "";  // more interesting than what follows
  if (!report_.jumps.empty()) return report_.jumps[0].jump_text();
  for (size_t i = 0; i < x_.size(); ++i) {
    const auto& kinks = is_kink_[i];
    if (kinks.empty() || std::count(kinks.begin(), kinks.end(), false) > 0) continue;
    return lib::str("input ", i, " was not checked: all of its ", kinks.size(),
                    " elements lie at kinks; choose inputs away from them");
  }
  return "";
}

GradCheckReport Check::run(const std::string& name) {
  for (size_t i = 0; i < x_.size(); ++i) {
    for (size_t e = 0; e < x_[i].size(); ++e) compare(i, static_cast<int64_t>(e));
  }
  report_.taylor = taylor();
  const std::string obstacle = this->obstacle();
  report_.passed = report_.wrong_elements == 0 && report_.taylor.agrees() && obstacle.empty();
  if (report_.passed) return report_;
  const auto steep = static_cast<int64_t>(report_.too_steep.size());
  if (report_.wrong_elements > steep && obstacle.empty()) diagnose_wrong_inputs();
  report_.message = describe(name, report_, options_, obstacle);
  return report_;
}

}  // namespace

double GradDifference::absolute_error() const { return std::abs(analytic - numeric); }

double GradDifference::relative_error() const {
  return absolute_error() / std::max({std::abs(analytic), std::abs(numeric), 1e-3});
}

GradCheckReport grad_check(const std::string& name, const Function& function,
                           const std::vector<Tensor>& inputs, const GradCheckOptions& options) {
  for (const Tensor& input : inputs) {
    if (input.dtype() != Dtype::float64) {
      lib::fail("grad_check: ", name, ": inputs must be float64, got ", input.dtype());
    }
  }
  return Check(function, inputs, options).run(name);
}

// The function checked is (x, r) -> dx. The cotangent r is an input as well: the gradient of a
// linear operation does not depend on x, but it does on r.
GradCheckReport grad_grad_check(const std::string& name, const Function& function,
                                const std::vector<Tensor>& inputs,
                                const GradCheckOptions& options) {
  const Function gradient = [&](const std::vector<Variable>& in) {
    const bool differentiable = recording();  // off while grad_check evaluates the moved inputs;
    const SetRecording on(true);              // a gradient needs a graph even then
    std::vector<Variable> leaves;
    for (const Variable& v : in) leaves.push_back(v.requires_grad() ? v : parameter(v.value()));
    const Variable r = leaves.back();
    leaves.pop_back();
    std::vector<Variable> flat;
    for (const Variable& dx : grad({function(leaves)}, leaves, {r},
                                   {.retain_graph = false, .create_graph = differentiable})) {
      flat.push_back(reshape(dx, {dx.numel()}));
    }
    return concat(flat, 0);
  };
  std::vector<Tensor> x_and_r = inputs;
  lib::Generator generator(options.seed + 1, kCotangentStream);
  const Shape shape = function({inputs.begin(), inputs.end()}).shape();
  x_and_r.push_back(random_cotangent(shape, generator));
  return grad_check(name + " (second order)", gradient, x_and_r, options);
}

}  // namespace qkv::autograd
