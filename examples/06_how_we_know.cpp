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
const Tensor A = Tensor::of<double>({1, 2, 3, -1}, {2, 2});
const Tensor B = Tensor::of<double>({.5, 1, -2, 3}, {2, 2});

// 1. A slope without calculus
double cube(double at) { return at * at * at; }

void one_number() {
  section(1, "A slope without calculus");
  say("The slope of L(x) = x^3 at x = 2 is 3 * 2^2 = 12. Without calculus: move x by a little, "
      "eps, and see how far L goes. Or move it both ways, and take the central difference.");
  formula("(L(x + eps) - L(x)) / eps   or   (L(x + eps) - L(x - eps)) / (2 eps)");
  std::vector<std::vector<std::string>> rows = {{"eps", "one way", "error", "both ways", "error"}};
  for (const double eps : {.1, .01}) {
    const double one = (cube(2 + eps) - cube(2)) / eps;
    const double both = (cube(2 + eps) - cube(2 - eps)) / (2 * eps);
    rows.push_back({fixed(eps, 2), fixed(one), fixed(one - 12), fixed(both), fixed(both - 12)});
    expect("one way", one - 12, 6 * eps + eps * eps);
    expect("both ways", both - 12, eps * eps);
  }
  table(rows);
  say("One way, a tenth of eps leaves a tenth of the error; both ways, a hundredth: what the curve "
      "bends away on one side it bends away on the other.");
}

// 2. The slope at every element of x: L = sum of f(x) r, each element a little up, a little down.
Tensor slopes(const Function& f, const Tensor& inputs, double eps) {
  Tensor moved = inputs.clone(), result = t::zeros(inputs.shape(), Dtype::float64);
  const auto L = [&] { return t::sum(t::mul(f({moved}).value(), r)).item(); };
  for (int64_t i = 0; i < moved.numel(); ++i) {
    double &element = moved.mutable_data<double>()[i], before = element;
    element = before + eps;
    const double above = L();
    element = before - eps;
    result.mutable_data<double>()[i] = (above - L()) / (2 * eps);
    element = before;
  }
  return result;
}

void every_element() {
  section(2, "Every element of a gradient");
  say("Softmax of each row of x (2, 3); the first row is that of chapter 5. A slope needs one "
      "number L: the results times r, summed (chapter 5 shows why not without r). Backward, given "
      "dy = r, must find the same six slopes.");
  formula("L = sum_ij f(x)_ij r_ij");
  const Function f = [](In in) { return softmax(in[0], -1); };
  const Variable leaf = parameter(x.clone());
  backward(f({leaf}), r);
  const Tensor numeric = slopes(f, x, 1e-6);  // (2, 3)
  show("analytic", "what backward says", leaf.grad().value());
  show("numeric", "what moving each element says", numeric);
  expect("numeric", numeric, leaf.grad().value().to_vector());
  const GradCheckReport report = grad_check("softmax", f, {x});
  expect("it passes", report.passed && report.elements == 6);
  say("grad_check does this for all inputs of any function, with a random r: 6 of 6 agree.");
}

// 3. Which eps
void which_eps() {
  section(3, "Which eps: a V");
  say("Smaller is better? eps_sweep tries steps from 0.1 to 1e-12 at each of the six numbers x; "
      "eps_chart draws the largest error, by powers of ten, in float64 (o) and in float32 (x).");
  formula("f(x) = x^3 / (1 + x^2)");
  const Function f = [](In in) { return in[0] * in[0] * in[0] / (in[0] * in[0] + 1.0); };
  const std::vector<EpsPoint> points = eps_sweep(f, {x});
  std::vector<std::vector<std::string>> rows = {{"eps", "error in float64", "in float32"}};
  for (const EpsPoint& p : points) {
    rows.push_back({scientific(p.eps), scientific(p.float64), scientific(p.float32)});
  }
  plot({"the largest error by eps", "log10", "log10"}, rows, eps_chart(points));
  expect("a hundredth of the error", points[1].float64 / points[2].float64 > 90);
  expect("best near 1e-6", points[5].float64 < 1e-8 && points[11].float64 > 1e-5);
  say("At first the error falls as in section 1 (L''' is how fast the bend changes; truncation: a "
      "curve is taken for a line). Then it grows: L(x + eps) and L(x - eps) have ever more digits "
      "in common; their difference is what is left of the last ones, and rounding has touched "
      "those: it may take a share u of a number. So checks run in float64. (The tolerance is the "
      "error that a check allows.)");
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
  say("record() makes an operation: a name, the inputs, the value, and what backward does. This "
      "product C = A B returns dC^T A for dB. All shapes fit, nothing crashes. The report:");
  const GradCheckReport report = grad_check("product", spoilt_product, {A, B});
  draw(report.message);
  expect("found", !report.passed && report.diagnoses.size() == 1 && report.worst.input == 1);
  expect("named", report.diagnoses[0].starts_with("input 1: transposed"));
  expect("h^1", report.taylor.text() == "1.0");
  say("The first line is the worst element; input 1 is B; a relative error is one divided by the "
      "larger of the two numbers. \"why\" is a diagnosis: mistakes leave traces in the numbers, "
      "and each known one is tried: a transpose, a sign, a factor, a forgotten sum. dC^T A is the "
      "transpose of A^T dC. dA, input 0, is right.");
  say("\"Taylor\" is a second opinion, without an eps: move all elements at once, by h in a random "
      "direction d, and subtract what the gradient g predicts, h g . d (<gradient, d>).");
  formula("R(h) = |L(x + h d) - L(x) - h g . d|");
  say("What remains is a bend and falls like h^2. Here it falls like h: it is straight, g wrong.");
  try_this("Return matmul(transpose(a), dC), as chapter 3 has it: expect() then misses the error.");
}

// 5. What has no slope
void kinks() {
  section(5, "What has no slope");
  say("relu(x) = max(x, 0) has slope 0 below 0 and slope 1 above; at 0 it has none: a kink. "
      "grad_check looks at both sides, and reports the slopes of L, with r:");
  const Tensor at = Tensor::of<double>({-1, 0, 2}, {3});
  const auto report = grad_check("relu", [](In in) { return relu(in[0]); }, {at});
  expect("one kink", report.passed && report.elements == 2 && report.kinks.size() == 1);
  draw(report.kinks[0].text());
  say("Backward may take either, or one between them; the two other elements are compared as ever. "
      "`./qkv gradcheck` checks every operation of the library; `./qkv mutants` plants errors.");
}

void chapter() { one_number(), every_element(), which_eps(), planted_error(), kinks(); }

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
