// Chapter 1. Tensors: one buffer, many shapes.
//
// Numbers lie in memory in one long row. A tensor is such a row, and a rule that says which of the
// numbers stands where. The rule is cheap to change, and much of this library lives on that.
// What the library has: tensor/tensor.h (the rule), views.h (other rules), reduce.h (sums).
#include <stdexcept>

#include "examples/chapter.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"
#include "tensor/views.h"

using namespace qkv::examples;
using namespace qkv::tensor;

namespace {

const Tensor X = Tensor::of<int64_t>({0, 10, 20, 30, 40, 50}, {2, 3});  // ten times the place
const Tensor M = Tensor::of<double>({1, 2, 3, 4, 5, 6}, {2, 3});

// The rule of a tensor, as a row of a table.
const std::vector<std::string> kHeadings = {"tensor", "shape", "strides", "offset"};
std::vector<std::string> rule(const std::string& name, const Tensor& t) {
  return {name, t.shape().str(), t.strides().str(), std::to_string(t.offset())};
}

void the_rule() {
  // 1. How to read this book
  section(1, "How to read this book");
  say("Two pages belong together: a program, examples/01_tensors.cpp, and what it prints, which is "
      "this. Every chapter is such a pair; ./qkv example 1 runs this one, ./qkv example lists "
      "them. What is printed under a number here is made under the same number there.");
  say("A section goes from a sentence to a formula, to the code, to the numbers. Take a pencil: "
      "the inputs are small on purpose. The numbers that sentences quote are checked: expect(...) "
      "in the source compares them with what was computed, and stops the program if they differ. "
      "'Try this' proposes a change to the source. Run it again, and expect will tell you what is "
      "another number now; put the new one into that line, and you get further.");
  say("The subject is attention: letting every place of a sequence look at every other, and take "
      "from each as much as it is worth. Chapters 1 to 6 make the tools. Then come the intuition "
      "(7, 11, 12), the mathematics (8, 9, 10), the implementation (13 to 18) and the variations "
      "(10, 19); 20 is about what came before, 21 about what goes wrong. Sizes are plain numbers "
      "for now; later some get letters, each when there is something for it to count.");

  // 2. One row of numbers, and a rule
  section(2, "One row of numbers, and a rule");
  say("X has 2 rows of 3: its shape is (2, 3). Memory knows no rows. It holds six numbers, in the "
      "places 0 to 5, and the rule says: a step down skips 3 places, a step to the right 1. These "
      "steps are the strides. With row i and column j counted from 0,");
  formula("place(i, j) = offset + i * stride_0 + j * stride_1");
  show("X", "ten times the place", X);
  draw(
      "    place     0   1   2   3   4   5\n"
      "    memory    0  10  20  30  40  50\n"
      "             '-- row 0 -''-- row 1 -'\n");
  table({kHeadings, rule("X", X)});
  say("Row 1, column 2 lies at 0 + 1 * 3 + 2 * 1 = 5, and there stands 50. All numbers of a tensor "
      "are of one kind, its dtype: int64 here, whole numbers; float64 below, of about 16 digits. "
      "Training takes float32, of about 7, which is half the memory.");
  expect("X at (1, 2)", X.at({1, 2}), 10 * (0 + 1 * 3 + 2 * 1));
}

void views() {
  // 3. Views: the same memory, other rules
  section(3, "Views: the same memory, other rules");
  say("Change the rule and leave the memory alone: that is a view, and it is free, however many "
      "numbers there are. An axis is a direction to count in: axis 0 goes down, axis 1 to the "
      "right. (Counted from the end, the last is -1.)");
  const Tensor turned = transpose(X);               // (3, 2)  rows become columns
  const Tensor row = select(X, 0, 1);               // (3,)    index 1 of axis 0
  const Tensor every_other = slice(X, 1, 0, 3, 2);  // (2, 2)  of axis 1, from 0 by 2 to below 3
  const Tensor reshaped = reshape(X, {3, 2});       // (3, 2)  the same reading order
  table({kHeadings, rule("transpose(X)", turned), rule("select(X, 0, 1)", row),
         rule("slice(X, 1, 0, 3, 2)", every_other), rule("reshape(X, {3, 2})", reshaped)});
  show("X^T", "transpose(X)", turned);
  expect("X^T", turned, {0, 30, 10, 40, 20, 50});
  expect("columns 0 and 2", every_other, {0, 20, 30, 50});
  for (const Tensor& view : {turned, row, every_other, reshaped}) {
    expect("a view shares X's memory", view.shares_storage_with(X));
  }
  say("What is written through one view, all see. Y is a copy of X, made by clone(); the number 7 "
      "is written into a view of its second row.");
  const Tensor Y = X.clone();
  Tensor second = select(Y, 0, 1);
  second.fill_(7);  // names that end in _ write in place
  show("Y", "X, with 7 written through a view", Y);
  expect("Y", Y, {0, 10, 20, 7, 7, 7});
  expect("X", X, {0, 10, 20, 30, 40, 50});
  try_this(
      "Write X for X.clone(). A Tensor is a handle: Y and X are then the same numbers, and "
      "expect finds 7 in X.");

  // 4. Reshape is not transpose
  section(4, "Reshape is not transpose");
  say("Both make (3, 2) of (2, 3), and taking one for the other raises no error, only wrong "
      "numbers. Reshape keeps the reading order and cuts it into other rows; transpose makes rows "
      "of columns. Compare with X^T above.");
  show("R", "reshape(X, {3, 2})", reshape(X, {3, 2}));
  expect("R", reshape(X, {3, 2}), {0, 10, 20, 30, 40, 50});
  say("Sometimes no rule will do. X^T in its own reading order lies at the places 0 3 1 4 2 5: no "
      "single stride leads through them. To make one row of it, reshape has to copy.");
  const Tensor F = reshape(transpose(X), {6});  // (6,)
  show("F", "reshape(X^T, {6})", F);
  expect("F", F, {0, 30, 10, 40, 20, 50});
  expect("F has memory of its own", !F.shares_storage_with(X));
}

void broadcasting_and_sums() {
  // 5. Broadcasting: a stride of 0
  section(5, "Broadcasting: a stride of 0");
  say("A row b is to be added to every row of M. No need to write it down twice: let a step down "
      "skip 0 places, and the same row is met again.");
  formula("C_ij = M_ij + b_j");
  const Tensor b = Tensor::of<double>({10, 20, 30}, {3});
  draw(
      "    b  10 20 30   is seen as   10 20 30\n"
      "                               10 20 30\n");
  table({kHeadings, rule("b", b), rule("expand(b, {2, 3})", expand(b, {2, 3}))});
  show("C", "M + b", add(M, b));
  expect("C", add(M, b), {11, 22, 33, 14, 25, 36});
  say("Which shapes fit? Write them so that their last axes stand under one another. In each "
      "column the sizes must be equal, or one of them 1 or missing: that one is repeated.");
  draw(
      "      (2, 3)        (2, 3)        (2, 1)        (2, 3)\n"
      "         (3,)       (2, 1)           (3,)          (2,)\n"
      "      -------       ------        -------       -------\n"
      "      (2, 3)        (2, 3)        (2, 3)          none\n");
  try {
    (void)add(M, Tensor::of<double>({1, 2}, {2}));
    expect("(2, 3) and (2,) are refused", false);
  } catch (const std::invalid_argument& refusal) {
    say(std::string("Of the last pair the library says: ") + refusal.what() + ".");
  }
  say("The third pair is a trap. Three guesses in a row, three true values in a column: they look "
      "alike, and their difference should be three zeros. It has nine numbers.");
  const Tensor guesses = Tensor::of<double>({1, 2, 3}, {3});
  const Tensor truth = Tensor::of<double>({1, 2, 3}, {3, 1});
  show("difference", "guesses - truth", sub(guesses, truth));
  expect("difference", sub(guesses, truth), {0, 1, 2, -1, 0, 1, -2, -1, 0});
  try_this(
      "Subtract reshape(truth, {3}) instead: three zeros. When a result surprises you, look "
      "at its shape first.");

  // 6. Sums: the way back
  section(6, "Sums: the way back");
  say("Broadcasting makes many of few. A sum along an axis makes few of many, and the axis is "
      "gone: along axis 0 it runs down each column, along axis 1 through each row.");
  formula("s_j = sum_i M_ij");
  show("s", "M summed along axis 0", sum(M, {0}));
  show("r", "M summed along axis 1", sum(M, {1}));
  expect("s", sum(M, {0}), {5, 7, 9});
  expect("r", sum(M, {1}), {6, 15});
  say("Keep the axis, with size 1, and the result fits what it was made of. So every row can lose "
      "its own average:");
  const Tensor average = mean(M, {1}, true);  // (2, 1); without `true` (2,)
  show("centred", "M - the average of each row", sub(M, average));
  expect("centred", sub(M, average), {-1, 0, 1, -1, 0, 1});
  say("Keep in mind that the two belong together: b was used in every row, and whoever asks what "
      "became of it has to sum over the rows. The next chapter will ask.");
  try_this(
      "Leave out `true`: averages of shape (2,) do not fit (2, 3), and the library refuses. "
      "With a square M it could not know, and would subtract the wrong averages.");
}

void chapter() {
  the_rule();
  views();
  broadcasting_and_sums();
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
