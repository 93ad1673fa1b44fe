// Chapter 5. Softmax: scores into weights, what overflows, and what comes back.
//
// Softmax is the step of attention that is no product (tensor/softmax.h, autograd/softmax.cpp).
#include <cmath>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "examples/chapter.h"
#include "tensor/elementwise.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"
#include "tensor/softmax.h"
#include "tensor/views.h"

using namespace qkv::examples;
using qkv::tensor::Dtype;
using qkv::tensor::Tensor;
namespace t = qkv::tensor;

namespace {

const Tensor x = Tensor::of<double>({1, 2, 3}, {3});               // three scores
const Tensor large = Tensor::of<double>({1001, 1002, 1003}, {3});  // each 1000 more
const Tensor dy = Tensor::of<double>({1, -2, .5}, {3});  // what comes back, in sections 5 and 6
const Tensor identity = Tensor::of<double>({1, 0, 0, 0, 1, 0, 0, 0, 1}, {3, 3});

// The formula as it stands in section 1.
Tensor plain_softmax(const Tensor& scores) {
  const Tensor e = t::exp(scores);  // (3,)
  return t::div(e, t::sum(e));      // (3,), divided by one number
}

// The largest error of dx, if L = sum_i y_i r_i: each score is moved a little up and down.
double error(const Tensor& dx, const Tensor& r) {
  double largest = 0;
  for (int64_t j = 0; j < 3; ++j) {
    const Tensor h = t::mul(t::select(identity, 0, j), 1e-5);  // (3,) 0 but in place j
    const Tensor moved = t::sub(t::softmax(t::add(x, h), 0), t::softmax(t::sub(x, h), 0));
    largest = std::fmax(largest, std::abs(dx.at({j}) - t::sum(t::mul(moved, r)).item() / 2e-5));
  }
  return largest;
}

void forward() {
  // 1. From scores to weights
  section(1, "From scores to weights");
  say("Scores of 1, 2 and 3 say how much three things matter. Wanted are weights: positive, and 1 "
      "in all. exp(x), 2.7183 to the power x, is positive; dividing by the sum does the rest.");
  formula("y_i = exp(x_i) / sum_j exp(x_j)");
  const Tensor e = t::exp(x), y = plain_softmax(x);  // (3,), (3,)
  show("e", "exp(1, 2, 3)", e);
  show("y", "e / 30.1929", y);
  expect("e", e, {2.7183, 7.3891, 20.0855}), expect("the sum", t::sum(e).item(), 30.1929);
  expect("y", y, {.0900, .2447, .6652});
  expect("one point more", e.at({1}) / e.at({0}), 2.7183);
  say("One point more is a factor of 2.7183 in the weight: only differences of scores count.");

  // 2. What overflows
  section(2, "What overflows");
  say("Then 1001, 1002 and 1003 must give the same weights. On a computer they do not: exp(1001) "
      "is too large for it and becomes inf, infinity; and inf / inf is nan, not a number.");
  show("e", "exp(1001, 1002, 1003)", t::exp(large));
  show("y", "e / sum(e)", plain_softmax(large));
  expect("inf / inf is nan", std::isnan(t::sum(plain_softmax(large)).item()));
  expect("0 / 0 is nan", std::isnan(t::sum(plain_softmax(t::neg(large))).item()));
  expect("exp(88) fits", std::isfinite(t::exp(t::scalar(88, Dtype::float32)).item()));
  expect("exp(89) does not", !std::isfinite(t::exp(t::scalar(89, Dtype::float32)).item()));
  say("float32 holds exp(88), but not exp(89), and scores of 89 do occur. On the other side, "
      "exp(-1001) becomes 0, and 0 / 0 is nan, too.");

  // 3. The max trick
  section(3, "The max trick");
  say("Since only differences count, subtract the largest score m from all of them first. The "
      "factor exp(-m) stands above and below the line, and cancels.");
  formula("y_i = exp(x_i - m) / sum_j exp(x_j - m),  m = max_j x_j");
  const Tensor shifted = t::sub(large, t::max(large, 0));  // (3,) minus one number
  show("large - m", "(1001, 1002, 1003) - 1003", shifted);
  show("y", "softmax(large - m)", plain_softmax(shifted));
  expect("the same weights", plain_softmax(shifted), y.to_vector());
  expect("the library's weights", t::softmax(large, 0), y.to_vector());
  say("Now every exponent is at most 0, and the largest is exp(0) = 1, so the sum is never 0. "
      "tensor::softmax does this for every row of a matrix, each with its own m.");
}

void backward_by_hand() {
  // 4. The Jacobian
  section(4, "The Jacobian: every weight depends on every score");
  say("Raise score j a little. Weight j rises; the others fall, since the sum has grown. The table "
      "of all slopes dy_i/dx_j is the Jacobian; delta_ij is 1 where i = j, else 0.");
  formula("J_ij = dy_i/dx_j = y_i (delta_ij - y_j)");
  const Tensor y = t::softmax(x, 0), column = t::unsqueeze(y, 1);  // (3,), a new axis: (3, 1)
  const Tensor J = t::mul(column, t::sub(identity, y));            // (3, 1) * (3, 3) -> (3, 3)
  show("J", "y_i (delta_ij - y_j)", J);
  expect("J", J, {.0819, -.0220, -.0599, -.0220, .1848, -.1628, -.0599, -.1628, .2227});
  expect("row sums of J", t::sum(J, {-1}), {0, 0, 0});
  say("Each row adds up to 0: raise all scores together, and nothing happens.");

  // 5. Backward without the Jacobian
  section(5, "Backward without the Jacobian");
  say("Backward, an operation's way back, is given dy, how fast L grows with each weight, and owes "
      "dx. Score j acts through every weight: a sum over i. It simplifies; no Jacobian is needed.");
  formula("dx_j = sum_i dy_i J_ij = y_j (dy_j - sum_i dy_i y_i)");
  const Tensor average = t::sum(t::mul(dy, y));      // () one number
  const Tensor dx = t::mul(y, t::sub(dy, average));  // (3,)
  show("dy", "given", dy);
  show("average", "sum_i dy_i y_i", average.item());
  show("dx", "y (dy - average)", dx);
  expect("average", average.item(), -.0668), expect("dx", dx, {.0960, -.4731, .3771});
  expect("dx by the Jacobian", t::matmul(dy, J), dx.to_vector());
  const auto leaf = qkv::autograd::parameter(x.clone());
  backward(softmax(leaf, 0), dy);
  expect("the engine's dx", leaf.grad().value(), dx.to_vector());
  say("What counts is how much better than the average a weight's dy is. The engine agrees.");
}

void useless_test() {
  // 6. Why .sum() is a useless test loss
  section(6, "Why .sum() is a useless test loss");
  say("To test a backward one makes a single number L of the result, moves each score a little up "
      "and down, and sees whether L moves as the gradient says (chapter 6). The shortest L is the "
      "sum; then dy is 1 everywhere. Beside it L = sum_i y_i r_i, r = (1, -2, 0.5); then dy is r. "
      "The largest errors of the right backward and of four wrong ones:");
  const Tensor y = t::softmax(x, 0), ones = t::ones({3}, Dtype::float64), r = dy;
  const auto right = [&](const Tensor& d) { return t::mul(y, t::sub(d, t::sum(t::mul(d, y)))); };
  const Tensor a = right(ones), b = right(r);
  std::vector<double> errors;
  const auto row = [&](const char* name, const Tensor& dx_sum, const Tensor& dx_r) {
    errors.push_back(error(dx_sum, ones)), errors.push_back(error(dx_r, r));
    return std::vector<std::string>{name, fixed(error(dx_sum, ones)), fixed(error(dx_r, r))};
  };
  table({{"backward", "L = sum(y)", "L = sum(y r)"},
         row("right", a, b),
         row("sends zeros", t::mul(a, 0), t::mul(b, 0)),
         row("wrong sign", t::neg(a), t::neg(b)),
         row("ten times too much", t::mul(a, 10), t::mul(b, 10)),
         row("forgets the average", t::mul(y, ones), t::mul(y, r))});
  expect("the errors", Tensor::of<double>(errors, {10}),
         {0, 0, 0, .4731, 0, .9462, 0, 4.2580, .6652, .0444});
  say("The weights add up to 1 whatever the scores are: L = sum(y) never moves, and three of the "
      "four mistakes pass. An r that differs from place to place finds all.");
  expect("the choice is made", t::softmax(t::mul(x, 10), 0), {0, 0, 1});
  try_this("Multiply x by 10: softmax has chosen, and hardly a slope comes back (chapter 9).");
  say("Your turn: ./qkv exercise 05 (max trick), 06 (backward), 07 (cross entropy, a loss).");
}

void chapter() { forward(), backward_by_hand(), useless_test(); }

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
