// Grades exercise 20 against the library's optimiser, over three steps.
#include "examples/exercises/grader.h"
#include "nn/optimizer.h"

namespace qkv::examples {

void adam_step(std::vector<double>& w, std::vector<double>& m, std::vector<double>& v,
               const std::vector<double>& g, int step, double rate);

namespace {

using List = std::vector<double>;

constexpr double kRate = 0.1;
const List kStart = {1, -2, 0.5};
const std::vector<List> kGradients = {{0.5, -1, 1e-4}, {0.25, 3, 2e-4}, {-1, 1, -1e-4}};

// The weights after some steps of a rule that is given for one weight.
template <class Rule>
Tensor after(int steps, const Rule& rule) {
  List w = kStart, m(3, 0.0), v(3, 0.0);
  for (int step = 1; step <= steps; ++step) {
    for (size_t i = 0; i < 3; ++i) {
      const double g = kGradients[static_cast<size_t>(step - 1)][i];
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.999 * v[i] + 0.001 * g * g;
      w[i] += kRate * rule(m[i], v[i], g, 1 - std::pow(0.9, step), 1 - std::pow(0.999, step));
    }
  }
  return numbers(w);
}

std::vector<Slip> slips(int steps) {
  return {
      {"the weights have not moved", numbers(kStart)},
      {"a step up: the gradient points uphill, so its direction is subtracted",
       after(steps, [](double m, double v, double, double a,
                       double b) { return m / a / (std::sqrt(v / b) + 1e-8); })},
      {"the corrections of m and v are missing",
       after(steps, [](double m, double v, double, double,
                       double) { return -m / (std::sqrt(v) + 1e-8); })},
      {"the correction of v is missing",
       after(steps, [](double m, double v, double, double a,
                       double) { return -m / a / (std::sqrt(v) + 1e-8); })},
      {"the correction of m is missing",
       after(steps, [](double m, double v, double, double,
                       double b) { return -m / (std::sqrt(v / b) + 1e-8); })},
      {"the root of v is missing", after(steps, [](double m, double v, double, double a,
                                                   double b) { return -m / a / (v / b + 1e-8); })},
      {"1e-8 inside the root: it is added behind it",
       after(steps, [](double m, double v, double, double a,
                       double b) { return -m / a / std::sqrt(v / b + 1e-8); })},
      {"plain gradient descent",
       after(steps, [](double, double, double g, double, double) { return -g; })},
      {"g^2 is missing: the root of a negative gradient is no number",
       after(1, [](double, double, double g, double, double) { return -g / std::sqrt(g); })}};
}

void questions() {
  List w = kStart, m(3, 0.0), v(3, 0.0);
  std::vector<Variable> parameters = {autograd::parameter(numbers(kStart))};
  nn::Adam adam(parameters, {.learning_rate = kRate});
  for (int step = 1; step <= 3; ++step) {
    const List& g = kGradients[static_cast<size_t>(step - 1)];
    tried(lib::str("step ", step, ", rate ", kRate, ", gradient ", g[0], ", ", g[1], ", ", g[2]));
    adam_step(w, m, v, g, step, kRate);
    parameters[0].zero_grad();
    parameters[0].set_grad(numbers(g));
    adam.step();
    require(w.size() == 3 && m.size() == 3 && v.size() == 3, "w, m and v must keep their sizes");
    compare("w", numbers(w), parameters[0].value(), slips(step));
  }
}

}  // namespace
}  // namespace qkv::examples

int main() { return qkv::examples::grade(20, "a step of Adam", qkv::examples::questions); }
