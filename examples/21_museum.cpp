// Chapter 21. A museum of attention bugs: eight that really happened, and what catches each.
//
// Every exhibit runs in its wrong form: no error, no warning, plausible numbers. A minus is the
// line as it was, a plus as it was meant. Where a report is named, it is project and number.
// Two of them train something small: 21_museum.h.
#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/dependency.h"
#include "autograd/engine.h"
#include "autograd/grad_check.h"
#include "autograd/ops.h"
#include "examples/21_museum.h"
#include "examples/chapter.h"
#include "nn/attention.h"
#include "nn/teacher_forcing.h"
#include "tensor/elementwise.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"
#include "tensor/softmax.h"
#include "tensor/views.h"

using namespace qkv::examples;
using qkv::autograd::parameter;
using qkv::autograd::Variable;
using qkv::nn::Mask;
using qkv::tensor::Dtype;
using qkv::tensor::Tensor;

namespace {

namespace autograd = qkv::autograd;
namespace nn = qkv::nn;
namespace t = qkv::tensor;
using Rows = std::vector<std::vector<std::string>>;

// Queries, keys and values of chapter 8.
const Tensor Q = Tensor::of<double>({1.18, .78, .62, .59, .66, .71}, {3, 2});
const Tensor K = Tensor::of<double>({.83, .71, .53, .66, .76, .41}, {3, 2});
const Tensor V = Tensor::of<double>({1.02, 1.07, .52, .93, .79, .56}, {3, 2});

double largest(const Tensor& x) {
  double size = 0;
  for (const double number : t::abs(x).to_vector()) size = std::max(size, number);
  return size;
}

// 1. Nobody looks at the encoder
void never_looks() {
  section(1, "The attention that never looks at the encoder");
  say("Reported: pytorch/tutorials 130, mended in 2452. A famous tutorial computed the weights "
      "from the decoder alone; the encoder's states h entered the average only.");
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
  say("The check: ask for the gradient of the weights at h. In the wrong form it is 0 exactly, "
      "and not by accident: no path leads there. Shuffling the source is the same check by hand.");
  const Variable r = Tensor::of<double>({1, -2, .5}, {1, 3});
  expect("no gradient reaches h", largest(autograd::grad({wrong}, {h}, {r})[0].value()) == 0);
  expect("a gradient reaches h", largest(autograd::grad({right}, {h}, {r})[0].value()) > .1);
}

// 2. A finite mask constant
void finite_mask() {
  section(2, "The mask constant that leaks");
  say("Reported: minGPT 75, nanoGPT 331 451, nanochat 844. To hide a key, a large number is taken "
      "off its score. It is a number like any other, and training can pay it back.");
  draw("- softmax(scores - 10 where hidden)\n+ softmax(scores of the others), 0 where hidden");
  say("One query, two keys; the second is hidden and has the answer. The weight of the hidden key "
      "while the query is trained:");
  Rows rows = {{"step", "taken off: 10", "taken off: 20", "skipped"}};
  const auto ten = cheat(false, -10), twenty = cheat(false, -20), skipped = cheat(true, 0);
  for (size_t i = 0; i < ten.size(); ++i) {
    const std::string step = std::to_string(10 * i);
    rows.push_back({step, fixed(ten[i], 6), fixed(twenty[i], 6), fixed(skipped[i], 6)});
  }
  table(rows);
  expect("the first leaks from the start", ten.front() > 4e-5 && ten.front() < 5e-5);
  expect("the model cheats", ten.back() > .99);
  expect("a skipped key stays hidden", skipped.back() == 0);
  say("A larger constant only hides the leak better. With -1e9 it is gone, until a row has "
      "nothing but hidden keys: all lose the same, and softmax does not see what all have lost.");
  const Tensor scores = Tensor::of<double>({1, 2, 3}, {1, 3});
  show("wrong", "softmax(1 2 3 - 1e9), every key hidden", t::softmax(t::add(scores, -1e9), -1));
  expect("wrong", t::softmax(t::add(scores, -1e9), -1), {.0900, .2447, .6652});
  say("With -inf (pytorch 41508 131060, burn 4694) such a row is -inf less -inf, no number at "
      "all, and whatever touches it becomes NaN, at last every weight of the model:");
  const Tensor hidden = t::full({1, 3}, -std::numeric_limits<double>::infinity(), Dtype::float64);
  draw("softmax(-inf -inf -inf) = " + t::to_string(t::softmax(hidden, -1)));
  show("right", "masked_softmax, every key hidden: nothing",
       t::masked_softmax(scores, Tensor::of<bool>({false, false, false}, {1, 3})));
  say("The check: the gradient at a hidden key's value, which is its weight, must be 0 exactly, "
      "not small; and a batch with one empty sequence, forward and backward (nn/mask.h).");
}

// 3. Padding
void forgotten_padding() {
  section(3, "The forgotten padding mask");
  say("Reported: pytorch/tutorials 593 2840 3643. Sentences of a batch are filled up to one "
      "length with zeros. A zero key has score 0, and exp(0) is 1, not 0: padding is averaged in.");
  draw("- attention(Q, K, V)\n+ attention(Q, K, V, Mask::padding(lengths))");
  Rows rows = {{"padding", "without a mask", "", "with it", ""}};
  const Tensor alone = nn::scaled_dot_product_attention(Q, K, V).output.value();  // (3, 2)
  for (const int64_t pads : {0, 1, 3, 7}) {
    const Tensor padding = t::zeros({pads, 2}, Dtype::float64);
    const Variable k = reshape(autograd::concat({K, padding}, 0), {1, 1, 3 + pads, 2});
    const Variable v = reshape(autograd::concat({V, padding}, 0), {1, 1, 3 + pads, 2});
    const Variable q = reshape(Q, {1, 1, 3, 2});
    const Mask mask = Mask::padding({3}, 3 + pads);
    const Tensor wrong = nn::scaled_dot_product_attention(q, k, v).output.value();
    const Tensor right = nn::scaled_dot_product_attention(q, k, v, mask).output.value();
    rows.push_back({std::to_string(pads), fixed(wrong.at({0, 0, 0, 0})),
                    fixed(wrong.at({0, 0, 0, 1})), fixed(right.at({0, 0, 0, 0})),
                    fixed(right.at({0, 0, 0, 1}))});
    expect("to the bit as alone", right.to_vector() == alone.to_vector());
  }
  table(rows);
  say("The first token of chapter 8. The check: a sentence alone and the same sentence in a batch "
      "with longer ones must give the same numbers; with the mask they do, to the bit.");
}

// 4. The wrong root
void wrong_root() {
  section(4, "sqrt(d_model) for sqrt(d_k)");
  say("The formula divides by the square root of the width of one head. Written before the heads "
      "were split, the code divides by that of the whole model.");
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
      "little to learn from. The last divides by nothing: one of the two texts that this book "
      "grew from explains the root, and its code leaves it out; 0.3924 on one key before anything "
      "is learned is too sure. The check: queries and keys of variance 1 must give scores of "
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

// 6. BOS and EOS
void shifted_by_none() {
  section(6, "BOS and EOS off by one");
  say("Reported: tensor2tensor 31, google/seq2seq 204, annotated-transformer 47 127 134. At every "
      "position a decoder reads the symbol before the one it is to say. If the shift is "
      "forgotten, it reads the very symbol it is asked for.");
  draw("- reads BOS a b c EOS, says BOS a b c EOS\n+ reads BOS a b c    , says     a b c EOS");
  const Tensor whole = Tensor::of<int64_t>({kBos, 2, 3, 4, kEos}, {1, 5});
  const auto lesson = nn::teacher_forcing(Tensor::of<int64_t>({2, 3, 4}, {1, 3}), {3}, kBos, kEos);
  Variable wrong = parameter(t::zeros({5, 5}, Dtype::float64));
  Variable right = parameter(t::zeros({5, 5}, Dtype::float64));
  const double wrong_loss = train_table(wrong, whole, whole);
  const double right_loss = train_table(right, lesson.input, lesson.expected);
  table({{"form", "loss after 100 steps", "what it writes after BOS"},
         {"wrong", fixed(wrong_loss), write(wrong)},
         {"right", fixed(right_loss), write(right)}});
  expect("wrong", write(wrong) == "BOS BOS BOS BOS BOS");
  expect("right", write(right) == "a b c EOS");
  expect("the shift", t::slice(lesson.expected, 1, 0, 3).to_vector() ==
                          t::slice(lesson.input, 1, 1, 4).to_vector());
  expect("both have learned their lesson", wrong_loss < .01 && right_loss < .01);
  say("By its loss the wrong one is as good as the right one: it has learned to say what it "
      "hears. The check: expected[t] is input[t + 1]; and let it write. Of models that write "
      "symbol by symbol ./qkv train prints this table of its first lessons:");
  draw(nn::teacher_forcing_table(Tensor::of<int64_t>({2, 3, 4}, {1, 3}), {3}, kBos, kEos,
                                 [](int64_t i) { return kNames[static_cast<size_t>(i)]; }));
}

// 7. Polarity
void wrong_polarity() {
  section(7, "True means what?");
  say("Reported: x-transformers 164, pytorch 33763 141694, detr 96. Of two libraries one says "
      "true for \"may attend\" and the other true for \"hide\"; even within one library both "
      "occur. The shapes fit either way.");
  draw("- Mask::allow(logical_not(causal))\n+ Mask::allow(causal)      true: may attend");
  const Tensor causal = Mask::causal(3).allowed();
  const Variable x = parameter(V.clone());
  const auto output = [&](const Tensor& allowed) {
    return nn::scaled_dot_product_attention(x, x, x, Mask::allow(allowed)).output;
  };
  const auto wrong = autograd::dependency(output(t::logical_not(causal)), x);
  const auto right = autograd::dependency(output(causal), x);
  draw("wrong: which input reaches which output\n" + wrong.str() + "\nright\n" + right.str());
  expect("the wrong one sees the future", wrong.strength.at({0, 2}) > 0);
  expect("the right one does not",
         right.strength.at({0, 2}) == 0 && right.strength.at({1, 2}) == 0);
  expect("its last token sees nobody", largest(t::select(wrong.strength, 0, 2)) == 0);
  say("The last token, which may see all, sees nobody; the others see what they are to predict, "
      "so that training rewards them for copying it. The check: this picture, made of gradients "
      "(autograd/dependency.h). Above the diagonal there must be nothing.");
}

// The values of softmax, and its gradient times a factor.
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
      "Plant one of them in nn/attention.cpp, a factor 2 in the scale for instance, and run "
      "./qkv test: it fails, since the library is held against numbers that others computed.");
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

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
