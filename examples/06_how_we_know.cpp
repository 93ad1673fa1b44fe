// Chapter 6. How we know: a gradient is checked against slopes, and a wrong one is found out.
//
// A backward is a formula that somebody derived and typed. autograd/grad_check.h asks the function
// itself; autograd/eps_sweep.h says with which step, autograd/diagnosis.h what a mistake may be.
#include "autograd/engine.h"
#include "autograd/eps_sweep.h"
#include "autograd/grad_check.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "examples/chapter.h"
#include "tensor/elementwise.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"

using namespace qkv::examples;
using namespace qkv::autograd;
namespace t = qkv::tensor;

namespace {

using In = const std::vector<Variable>&;  // the inputs of a function

const Tensor x = Tensor::of<double>({1, 2, 3, .5, -1, 0}, {2, 3});
const Tensor r = Tensor::of<double>({1, -2, .5, 2, 1, -1}, {2, 3});
const Tensor A = Tensor::of<double>({1, 2, 3, -1}, {2, 2}),
             B = Tensor::of<double>({.5, 1, -2, 3}, {2, 2});

// 1. A slope without calculus
double cube(double at) { return at * at * at; }

void one_number() {
  section(1, "A slope without calculus");
  say("The slope of L(x) = x^3 at x = 2 is 3 * 2^2 = 12. Somebody who knows no calculus can find "
      "it, too: move x by a little, eps, and see how far L goes. Or move it both ways, and take "
      "the difference: a central difference.");
  formula("(L(x + eps) - L(x)) / eps");
  formula("(L(x + eps) - L(x - eps)) / (2 eps)");
  std::vector<std::vector<std::string>> rows = {{"eps", "one way", "error", "both ways", "error"}};
  for (const double eps : {.1, .01}) {
    const double one = (cube(2 + eps) - cube(2)) / eps;
    const double both = (cube(2 + eps) - cube(2 - eps)) / (2 * eps);
    rows.push_back({fixed(eps, 2), fixed(one), fixed(one - 12), fixed(both), fixed(both - 12)});
    expect("one way", one - 12, 6 * eps + eps * eps);
    expect("both ways", both - 12, eps * eps);
  }
  table(rows);
  say("One way, a tenth of eps leaves a tenth of the error; both ways, a hundredth, since what the "
      "curve bends away on one side it bends away on the other.");
}

// 2. The slope at every element of x: L = Σ f(x) r, each element a little up and a little down.
Tensor slopes(const Function& f, const Tensor& inputs, double eps) {
  Tensor moved = inputs.clone(), result = t::zeros(inputs.shape(), Dtype::float64);
  for (int64_t i = 0; i < moved.numel(); ++i) {
    double& element = moved.mutable_data<double>()[i];
    const double before = element;
    const auto L = [&](double value) {
      element = value;
      return t::sum(t::mul(f({moved}).value(), r)).item();
    };
    result.mutable_data<double>()[i] = (L(before + eps) - L(before - eps)) / (2 * eps);
    element = before;
  }
  return result;
}

void every_element() {
  section(2, "Every element of a gradient");
  say("Softmax of each row of x (2, 3); the first row is that of chapter 5. A slope needs one "
      "number L: the results weighted with r, and summed (chapter 5 shows why not without r). "
      "Backward, given dy = r, must find the same six slopes.");
  formula("L = sum_ij f(x)_ij r_ij");
  const Function f = [](In in) { return softmax(in[0], -1); };
  const Variable leaf = parameter(x.clone());
  backward(f({leaf}), r);
  const Tensor numeric = slopes(f, x, 1e-6);  // (2, 3)
  show("analytic", "what backward says", leaf.grad().value());
  show("numeric", "what moving each element says", numeric);
  expect("numeric", numeric, leaf.grad().value().to_vector());
  const GradCheckReport report = grad_check("softmax", f, {x});
  expect("it passes", report.passed && report.elements == 6 && report.worst_relative_error < 1e-6);
  expect("the tolerance", GradCheckOptions{}.atol == 1e-7 && GradCheckOptions{}.rtol == 1e-6);
  say("grad_check does this for all inputs of any function, with an r that it draws at random: 6 "
      "of 6 elements agree. It allows a difference of 0.0000001, and a millionth of the slope.");
}

// 3. Which eps
void which_eps() {
  section(3, "Which eps: a V on its side");
  say("Smaller is better, one would think. eps_sweep tries steps from 0.1 down to 1e-12 on this "
      "function, at each of the six numbers x, and eps_chart draws the largest error: o in "
      "float64, numbers of 16 digits, and x in float32, of 7. Both axes go by powers of ten, eps "
      "downwards, the error to the right.");
  formula("f(x) = x^3 / (1 + x^2)");
  const Function f = [](In in) { return in[0] * in[0] * in[0] / (in[0] * in[0] + 1.0); };
  const std::vector<EpsPoint> points = eps_sweep(f, {x});
  draw(eps_chart(points));
  expect("a hundredth of the error", points[1].float64 / points[2].float64 > 90);
  expect("rounding", points[11].float64 > 1000 * points[5].float64);
  for (const EpsPoint& p : points) expect("float32 is bad", p.float32 > 1e-5);
  expect("1e-6 is good", points[5].float64 < 1e-8);
  say("From the top down the error falls as in section 1. Then it grows again: L(x + eps) and L(x "
      "- eps) have ever more digits in common, and their difference is what is left of the last "
      "ones. So checks run in float64, however a model is trained.");
}

// 4. The product of chapter 3 with a mistake planted: dB = dCᵀ A where AᵀdC is right.
Variable spoilt_product(In in) {
  const Variable &a = in[0], &b = in[1];  // (2, 2), (2, 2)
  return record("product", {a, b}, t::matmul(a.value(), b.value()),
                [a, b](const Variable& dC) -> Grads {
                  return {matmul(dC, transpose(b)), matmul(transpose(dC), a)};
                });
}

void planted_error() {
  section(4, "A planted error, found and diagnosed");
  say("record() is how the library makes an operation: a name, the inputs, the value, and what "
      "backward does. This product C = A B returns dC^T A for dB. All matrices are 2 x 2, so every "
      "shape fits, and nothing crashes. The check's report:");
  const GradCheckReport report = grad_check("product", spoilt_product, {A, B});
  draw(report.message);
  expect("found", !report.passed && report.diagnoses.size() == 1 && report.worst.input == 1);
  expect("named", report.diagnoses[0].starts_with("input 1: transposed"));
  say("The first line is the worst element; input 1 is B. \"why\" is a diagnosis: mistakes leave "
      "traces in the numbers, and each known one is tried. dC^T A is the transpose of A^T dC. dA, "
      "input 0, is right, and is not mentioned.");
}

// 5. Other mistakes
void traces() {
  section(5, "Other mistakes, other traces");
  const auto diagnosed = [](const char* mistake, const char* trace, const std::vector<Tensor>& at,
                            Tensor (*value)(In in), Grads (*wrong)(In in, const Variable& dy)) {
    const Function f = [=](In in) {
      return record("spoilt", in, value(in), [=](const Variable& dy) { return wrong(in, dy); });
    };
    const GradCheckReport report = grad_check(mistake, f, at);
    expect(mistake, !report.passed && report.diagnoses.at(0).find(trace) != std::string::npos);
    say(mistake + (": " + report.diagnoses[0].substr(9)));  // without "input 0: "
  };
  diagnosed(
      "A mean that forgets to divide", "constant factor 6", {x},
      [](In in) { return t::mean(in[0].value()); },
      [](In in, const Variable& dy) -> Grads { return {expand(dy, in[0].shape())}; });
  diagnosed(
      "A bias, added to each row, that forgets to sum over the rows", "missing sum",
      {t::sum(x, {0})},
      [](In in) {
        return t::add(t::zeros({2, 3}, Dtype::float64), in[0].value());
      },
      [](In, const Variable& dy) -> Grads { return {select(dy, 0, 0)}; });
  diagnosed(
      "The softmax without its average, of chapter 5", "no known pattern", {x},
      [](In in) { return softmax(in[0], -1).value(); },
      [](In in, const Variable& dy) -> Grads { return {dy * softmax(in[0], -1)}; });
  say("Not every mistake has a name; that it is one is certain all the same.");
}

// 6. A second opinion
void second_opinion() {
  section(6, "A second opinion, without an eps");
  say("Move all elements at once, by h in a random direction d, and subtract what the gradient g "
      "predicts. What remains is the bend of the curve, which falls like h^2; if g is wrong, a "
      "straight part is left, which falls like h.");
  formula("R(h) = |L(x + h d) - L(x) - h g . d|");
  const Function product = [](In in) { return matmul(in[0], in[1]); };
  const TaylorFit good = grad_check("product", product, {A, B}).taylor;
  const TaylorFit bad = grad_check("product", spoilt_product, {A, B}).taylor;
  std::vector<std::vector<std::string>> rows = {{"h", "R, right", "R, planted error"}};
  for (const size_t i : {0u, 2u, 4u}) {
    rows.push_back(
        {fixed(good.steps[i], 3), fixed(good.remainders[i], 8), fixed(bad.remainders[i], 8)});
  }
  table(rows);
  expect("h^2 and h^1", good.text() == "2.0" && bad.text() == "1.0");
  say("A tenth of h leaves a hundredth of R on the left, and a tenth on the right. grad_check asks "
      "for both opinions.");
}

// 7. Where there is no slope
void kinks() {
  section(7, "What has no slope");
  say("relu(x) = max(x, 0) has slope 0 below 0 and slope 1 above; at 0 it has none. Central "
      "differences would say one half. grad_check looks at both sides, and reports:");
  const Function f = [](In in) { return relu(in[0]); };
  const GradCheckReport report = grad_check("relu", f, {Tensor::of<double>({-1, 0, 2}, {3})});
  expect("one kink", report.passed && report.elements == 2 && report.kinks.size() == 1 &&
                         report.kinks[0].below == 0);
  draw(report.kinks[0].text());
  say("(What it measures is L, so the slope above 0 is r there.) Backward may take either, or one "
      "between them; the two other elements are compared as ever. `./qkv gradcheck` shows the "
      "check of every operation of the library, and `./qkv mutants` plants errors in them, to see "
      "that the check finds them.");
  try_this(
      "return matmul(transpose(a), dC) in section 4, as chapter 3 found. The report is empty, and "
      "the chapter stops: it expects an error that is no longer there.");
}

void chapter() {
  one_number();
  every_element();
  which_eps();
  planted_error();
  traces();
  second_opinion();
  kinks();
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
