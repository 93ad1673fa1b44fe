// Chapter 21. A museum of attention bugs: eight that really happened, and what catches each.
//
// Every exhibit runs in its wrong form: no error, no warning, plausible numbers. A minus is the
// line as it was, a plus as it was meant. Where a report is named, it is project and number.
// Exhibits 2, 3, 6 and 7 stand in rooms of their own: museum/masks.h and museum/shift.h.
#include "autograd/grad_check.h"
#include "examples/museum/common.h"
#include "examples/museum/masks.h"
#include "examples/museum/shift.h"

using namespace qkv::examples;
using namespace qkv::examples::museum;
namespace autograd = qkv::autograd;
namespace nn = qkv::nn;

namespace {

// 1. Nobody looks at the encoder
void never_looks() {
  section(1, "The attention that never looks at the encoder");
  say("Reported (project and number): pytorch/tutorials 130, mended in 2452. A famous tutorial "
      "computed the weights from the decoder's state s alone; the encoder's states h entered the "
      "average only.");
  draw("- weights = softmax(W s)\n+ weights = softmax(s . h_j)");
  const Variable W = Tensor::of<double>({.9, .1, .2, .3, .4, .8}, {3, 2});  // learned
  const Variable h = parameter(K.clone());                                  // of three words
  const Variable s = parameter(Tensor::of<double>({2, -1}, {1, 2}));        // the decoder's state
  const Variable reversed = index_select(h, 0, Tensor::of<int64_t>({2, 1, 0}, {3}));
  const Variable wrong = softmax(matmul(s, transpose(W)), -1);  // (1, 3)
  const Variable right = softmax(matmul(s, transpose(h)), -1);  // (1, 3)
  show("wrong", "weights of words 1 2 3, and of 3 2 1, and of any others", wrong.value());
  show("right", "weights of words 1 2 3", right.value());
  show("right", "of words 3 2 1: each weight goes with its word",
       softmax(matmul(s, transpose(reversed)), -1).value());
  say("The check: ask for the gradient of the weights at h. In the wrong form it is 0 exactly, and "
      "not by accident: no path leads there. Shuffling the words that are read is the same check "
      "by hand.");
  const Variable r = Tensor::of<double>({1, -2, .5}, {1, 3});  // arrives at the weights
  expect("no gradient reaches h", largest(autograd::grad({wrong}, {h}, {r})[0].value()) == 0);
  expect("a gradient reaches h", largest(autograd::grad({right}, {h}, {r})[0].value()) > .1);
}

// 4. The wrong root
void wrong_root() {
  section(4, "sqrt(d_model) for sqrt(d_k)");
  say("The formula divides by the square root of the width of one head, d_k, our D. Written before "
      "the heads were split, the code divides by that of the whole model, d_model, our C. (The "
      "deviation of the scores, below, is the square root of their variance.)");
  draw("- Q K^T / sqrt(C)      C = 64, the model\n+ Q K^T / sqrt(D)      D = 8, one of 8 heads");
  qkv::lib::Generator generator(5);
  const Tensor q = t::normal({64, 8}, 0, 1, generator, Dtype::float64);
  const Tensor k = t::normal({64, 8}, 0, 1, generator, Dtype::float64);
  Rows rows = {{"divided by", "deviation of the scores", "mean of the largest weight of 64"}};
  std::vector<double> deviations, largest_weights;
  for (const double width : {64., 8., 1.}) {
    const Tensor scores = t::mul(t::matmul(q, t::transpose(k)), 1 / std::sqrt(width));  // (64, 64)
    deviations.push_back(std::sqrt(t::mean(t::mul(scores, scores)).item()));
    largest_weights.push_back(t::mean(t::max(t::softmax(scores, -1), -1)).item());
    rows.push_back(
        {"sqrt(" + fixed(width, 0) + ")", fixed(deviations.back()), fixed(largest_weights.back())});
  }
  table(rows);
  expect("a factor of sqrt(8)", deviations[1] / deviations[0], 2.8284);
  expect("about 1", std::abs(deviations[1] - 1) < .1);
  expect("an even share", 1. / 64, .0156);
  expect("without a root", largest_weights[2], .3924);
  say("The first spreads its weight over 64 keys almost evenly (an even share is 0.0156), and has "
      "little to learn from. The last divides by nothing: one of the two texts that this book grew "
      "from explains the root, and its code leaves it out; 0.3924 on one key before anything is "
      "learned is too sure. The check: queries and keys of variance 1 must give scores of "
      "deviation about 1 (chapter 9); or one head of the layer against the same head alone "
      "(chapter 14).");
}

// 5. The map on its side
void swapped_axes() {
  section(5, "The map on its side");
  say("Reported: annotated-transformer 104. The plot has its axes swapped, and every sentence "
      "written about it is wrong. Copy and reverse do not show it: their maps are symmetric. A "
      "causal map does.");
  draw("- map(transpose(weights))\n+ map(weights)      rows are queries, columns are keys");
  const Tensor right = nn::scaled_dot_product_attention(Q, K, V, Mask::causal(3)).weights.value();
  const std::vector<std::string> words = {"the", "cat", "sat"};
  map("wrong", t::transpose(right).contiguous(), words, words);
  map("right", right, words, words);
  say("The wrong one says that \"the\" looks at \"sat\", which had not been written yet. The "
      "check: each row sums to 1. Rows of the wrong map do not.");
  expect("row sums", t::sum(right, {-1}), {1, 1, 1});
  expect("column 1", largest(t::sum(right, {0})) > 1.5);
}

// The values of softmax, and its gradient times a factor. detach(): numbers without a graph.
Variable softmax_with_gradient_times(double factor, const Variable& x) {
  const Variable y = softmax(x, -1), constant = y.detach();
  return constant + (y - constant) * factor;
}

// 8. The test that cannot fail
void sum_test() {
  section(8, "The test that cannot fail");
  say("Reported: cs249r_book 1336 2053 2046. A gradient check needs one number, and y.sum() gives "
      "one. But a softmax row sums to 1 whatever x is: the slope of that sum is 0, and so is that "
      "of 0 times, -1 times, 10 times it.");
  draw("- loss = sum(y)\n+ loss = sum(y r),  r random");
  Rows rows = {{"softmax gradient times", "loss = sum(y)", "loss = sum(y r)"}};
  const auto verdict = [](bool passed) { return std::string(passed ? "passes" : "refused"); };
  std::string diagnosis;
  for (const double factor : {1., 0., -1., 10.}) {
    const auto f = [=](const std::vector<Variable>& in) {
      return softmax_with_gradient_times(factor, in[0]);
    };
    const auto sum_of_f = [=](const std::vector<Variable>& in) { return sum(f(in)); };
    const bool by_sum = autograd::grad_check("sum(y)", sum_of_f, {Q}).passed;
    const auto report = autograd::grad_check("y r", f, {Q});  // grad_check multiplies by r itself
    rows.push_back({fixed(factor, 0), verdict(by_sum), verdict(report.passed)});
    expect("sum(y) lets everything pass", by_sum);
    expect("y r lets only the right one pass", report.passed == (factor == 1));
    if (!report.passed) diagnosis = report.diagnoses.front();
  }
  table(rows);
  say("And the check says what is wrong with the last one: " + diagnosis + ".");
  try_this(
      "Plant one of them in nn/attention.cpp, a factor 2 in the scale for instance, and run ./qkv "
      "test: it fails, since the library is held against numbers that others computed.");
}

void chapter() {
  never_looks();
  finite_mask();
  forgotten_padding();
  wrong_root();
  swapped_axes();
  shifted_by_none();
  wrong_polarity();
  sum_test();
}

}  // namespace

int main(int argc, char** argv) { return qkv::examples::run_chapter(argc, argv, chapter); }
