// Chapter 5. Softmax: scores into weights, what overflows, and what comes back.
//
// Three scores, to be followed by hand. Softmax is the step of attention that is not a product; its
// row of weights is what a query pays to each key. tensor/softmax.h has it for any tensor,
// lib/softmax.h for speed, autograd/softmax.cpp with its gradient.
#include <algorithm>
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
using qkv::tensor::Tensor;
namespace t = qkv::tensor;

namespace {

const Tensor x = Tensor::of<double>({1, 2, 3}, {3});               // three scores
const Tensor large = Tensor::of<double>({1001, 1002, 1003}, {3});  // each 1000 more
const Tensor dy = Tensor::of<double>({1, -2, .5}, {3});  // what comes back, from section 5
const Tensor identity = Tensor::of<double>({1, 0, 0, 0, 1, 0, 0, 0, 1}, {3, 3});

// The formula as it stands in section 1.
Tensor plain_softmax(const Tensor& scores) {
  const Tensor e = t::exp(scores);  // (3)
  return t::div(e, t::sum(e));      // (3), divided by one number
}

// 1. From scores to weights
Tensor forward() {
  section(1, "From scores to weights");
  say("Some scores say how much each of three things matters; any numbers will do. Wanted are "
      "weights: positive, and 1 in all. exp makes every number positive, and dividing by the sum "
      "does the rest.");
  formula("y_i = exp(x_i) / sum_j exp(x_j)");
  const Tensor e = t::exp(x), y = plain_softmax(x);  // (3), (3)
  show("x", "the scores", x);
  show("e", "exp(x)", e);
  show("y", "e / 30.1929", y);
  expect("e", e, {2.7183, 7.3891, 20.0855});
  expect("the sum of e", t::sum(e).item(), 30.1929);
  expect("y", y, {.0900, .2447, .6652});
  expect("one point more", e.at({1}) / e.at({0}), 2.7183);
  say("One point more is a factor of 2.7183 in the weight, wherever one starts: only differences "
      "of scores count.");

  // 2. What overflows
  section(2, "What overflows");
  say("Then scores of 1001, 1002 and 1003 must give the same weights. On a computer they do not: "
      "exp(1001) is larger than the largest number it can hold. It becomes inf, infinity; and inf "
      "/ inf is nan, not a number.");
  show("e", "exp(1001, 1002, 1003)", t::exp(large));
  show("y", "e / sum(e)", plain_softmax(large));
  const auto fits = [](double score, qkv::tensor::Dtype dtype) {
    return std::isfinite(t::exp(t::scalar(score, dtype)).item());
  };
  using qkv::tensor::Dtype;
  expect("float64 ends at 709", fits(709, Dtype::float64) && !fits(710, Dtype::float64));
  expect("float32 ends at 88", fits(88, Dtype::float32) && !fits(89, Dtype::float32));
  expect("inf / inf is nan", std::isnan(t::sum(plain_softmax(large)).item()));
  expect("0 / 0 is nan", std::isnan(t::sum(plain_softmax(t::neg(large))).item()));
  say("float64 holds exp(709), but not exp(710); float32 holds exp(88), but not exp(89), and "
      "scores of 89 do occur. On the other side, exp(-1001) becomes 0, and 0 / 0 is nan, too.");

  // 3. The max trick
  section(3, "The max trick");
  say("Since only differences count, subtract the largest score m from all of them first. The "
      "factor exp(-m) stands above and below the line, and cancels.");
  formula("y_i = exp(x_i - m) / sum_j exp(x_j - m),  m = max_j x_j");
  const Tensor shifted = t::sub(large, t::max(large, 0));  // (3) minus one number
  show("large - m", "(1001, 1002, 1003) - 1003", shifted);
  show("y", "softmax(large - m)", plain_softmax(shifted));
  expect("shifted", shifted, {-2, -1, 0});
  expect("the same weights", plain_softmax(shifted), y.to_vector());
  expect("the library's weights", t::softmax(large, 0), y.to_vector());
  say("Now every exponent is at most 0, so no exp is above 1; and the largest is exp(0) = 1, so "
      "the sum is never 0. tensor::softmax does this for every row of a matrix, each with its own "
      "m; here it gives the same three weights.");
  return y;
}

// 4. The Jacobian
void backward_by_hand(const Tensor& y) {
  section(4, "The Jacobian: every weight depends on every score");
  say("Raise score j a little. Weight j rises; the others fall, since the sum has grown. The table "
      "of all slopes dy_i/dx_j is called the Jacobian; delta_ij is 1 where i = j, else 0.");
  formula("J_ij = dy_i/dx_j = y_i (delta_ij - y_j)");
  const Tensor column = t::unsqueeze(y, 1);              // (3, 1)
  const Tensor J = t::mul(column, t::sub(identity, y));  // (3, 1) * (3, 3) -> (3, 3)
  show("J", "y_i (delta_ij - y_j)", J);
  show("sums", "J summed over each row", t::sum(J, {-1}));
  expect("J", J, {.0819, -.0220, -.0599, -.0220, .1848, -.1628, -.0599, -.1628, .2227});
  expect("row sums of J", t::sum(J, {-1}), {0, 0, 0});
  say("Each row adds up to 0: raise all scores together, and nothing happens.");

  // 5. Backward without the Jacobian
  section(5, "Backward without the Jacobian");
  say("Backward is given dy, how much each weight matters to the loss, and owes dx. Score j acts "
      "through every weight, so the chain rule sums over i. A row of 1000 scores would have a "
      "million slopes; but the sum simplifies, and one pass over the row is enough.");
  formula("dx_j = sum_i dy_i J_ij = y_j (dy_j - sum_i dy_i y_i)");
  const Tensor average = t::sum(t::mul(dy, y));      // () one number
  const Tensor dx = t::mul(y, t::sub(dy, average));  // (3)
  show("dy", "given", dy);
  show("average", "sum_i dy_i y_i", average.item());
  show("dx", "y (dy - average)", dx);
  expect("average", average.item(), -.0668);
  expect("dx", dx, {.0960, -.4731, .3771});
  expect("dx by the Jacobian", t::matmul(dy, J), dx.to_vector());
  const auto leaf = qkv::autograd::parameter(x.clone());
  backward(softmax(leaf, 0), dy);
  expect("the engine's dx", leaf.grad().value(), dx.to_vector());
  say("What counts is how much better than the average a weight's dy is. dy J gives the same three "
      "numbers, and so does the engine.");
}

// 6. Why .sum() is a useless test loss: backwards of softmax, right and wrong
Tensor right(const Tensor& y, const Tensor& r) {
  return t::mul(y, t::sub(r, t::sum(t::mul(r, y))));
}
Tensor zeros(const Tensor& y, const Tensor&) { return t::mul(y, 0); }
Tensor wrong_sign(const Tensor& y, const Tensor& r) { return t::neg(right(y, r)); }
Tensor ten_times(const Tensor& y, const Tensor& r) { return t::mul(right(y, r), 10); }
Tensor no_average(const Tensor& y, const Tensor& r) { return t::mul(y, r); }

// The largest |dx_j - slope_j|; the slope is what L = sum(y r) really does when x_j moves.
double error(Tensor (*dx)(const Tensor&, const Tensor&), const Tensor& r) {
  const double h = 1e-5;  // a little up, a little down
  const std::vector<double> claimed = dx(t::softmax(x, 0), r).to_vector();
  double worst = 0;
  for (int j = 0; j < 3; ++j) {
    const Tensor step = t::mul(t::select(identity, 0, j), h);  // h in place j
    const Tensor up = t::softmax(t::add(x, step), 0), down = t::softmax(t::sub(x, step), 0);
    const double slope = t::sum(t::mul(t::sub(up, down), r)).item() / (2 * h);
    worst = std::max(worst, std::abs(claimed[static_cast<size_t>(j)] - slope));
  }
  return worst;
}

void useless_test() {
  section(6, "Why .sum() is a useless test loss");
  say("To test a backward one makes a single number L of the result, moves each score a little up "
      "and a little down, and sees whether L moves as the gradient says. (Chapter 6 does nothing "
      "else.) The shortest L is the sum of all results. Here are the right backward and four wrong "
      "ones, tested with that L, where dy is 1 everywhere, and with L = sum_i y_i r_i for r = (1, "
      "-2, 0.5), where dy is r.");
  const Tensor ones = t::ones({3}, qkv::tensor::Dtype::float64);
  std::vector<std::vector<std::string>> rows = {{"backward", "error, L = sum(y)", "L = sum(y r)"}};
  const auto test = [&](const char* name, Tensor (*dx)(const Tensor&, const Tensor&)) {
    rows.push_back({name, fixed(error(dx, ones)), fixed(error(dx, dy))});
    expect(std::string(name) + " is seen with r", (error(dx, dy) < 1e-8) == (dx == right));
    expect(std::string(name) + " passes with sum", (error(dx, ones) < 1e-8) == (dx != no_average));
  };
  test("right", right);
  test("sends zeros", zeros);
  test("wrong sign", wrong_sign);
  test("ten times too much", ten_times);
  test("forgets the average", no_average);
  table(rows);
  say("The sum of the weights is 1 whatever the scores are. So its slope is 0, and three of the "
      "four mistakes pass the test. The r that differs from place to place finds all four; the "
      "project's checks draw one at random, and `./qkv mutants` has a column for .sum().");
  const Tensor sharp = t::softmax(t::mul(x, 10), 0);
  expect("ten times the scores: the choice is made", sharp, {0, 0, 1});
  expect("... and hardly a slope is left", t::max(t::abs(right(sharp, dy)), 0).item() < .001);
  try_this(
      "multiply the scores x by 10. The third weight becomes 1.0000, the others 0.0000, and hardly "
      "anything of dy comes back: softmax has chosen, and cannot be told otherwise. Chapter 9 is "
      "about how to avoid that. (The program stops where a number is no longer the text's; take "
      "out such expect() lines to see further.)");
}

void chapter() {
  backward_by_hand(forward());
  useless_test();
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
