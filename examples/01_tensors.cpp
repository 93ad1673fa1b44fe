// Chapter 1. Tensors: one buffer, many shapes.
//
// Numbers lie in memory in one long row. A tensor is such a row, and a rule that says which of the
// numbers stands where, which is cheap to change (tensor/tensor.h, views.h; reduce.h has the sums).
#include "examples/chapter.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"
#include "tensor/views.h"

using namespace qkv::examples;
using namespace qkv::tensor;

namespace {

const Tensor X = Tensor::of<int64_t>({0, 10, 20, 30, 40, 50}, {2, 3});  // the numbers, the shape
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
      "this. ./qkv example 1 runs it, ./qkv example lists all chapters. What stands under a number "
      "here is printed under the same number there, by say, show, table and the like "
      "(examples/chapter.h). Take a pencil: inputs are small on purpose. Numbers in sentences are "
      "checked: expect(...) stops the program if they are not what was computed. 'Try this' "
      "proposes a change to the source; expect will then name the first number that became "
      "another: put in the new one, or take the line out. 'Your turn' names exercises.");
  say("The subject is attention: letting every place of a sequence look at every other, and take "
      "from each as much as it is worth. Chapters 1 to 6 make the tools. Then come the intuition "
      "(7, 11, 12), the mathematics (8, 9, 10), the implementation (13 to 18) and the variations "
      "(10, 19); 20 is about what came before, 21 about what goes wrong. The book grew from two "
      "short texts, its seeds, and says where it corrects them.");

  // 2. One row of numbers, and a rule
  section(2, "One row of numbers, and a rule");
  say("X has 2 rows of 3: its shape is (2, 3). Memory knows no rows. It holds six numbers, in the "
      "places 0 to 5, and the rule says: a step down skips 3 places, a step to the right 1. These "
      "steps are the strides. With row i and column j counted from 0, and the first number at the "
      "offset,");
  formula("place(i, j) = offset + i * stride_0 + j * stride_1");
  show("X", "ten times the place", X);
  draw(
      "    place     0   1   2   3   4   5\n"
      "    memory    0  10  20  30  40  50\n"
      "             '-- row 0 -''-- row 1 -'\n");
  table({kHeadings, rule("X", X)});
  say("Row 1, column 2 lies at 0 + 1 * 3 + 2 * 1 = 5, and there stands 50. All numbers of a tensor "
      "are of one kind, its dtype: int64 here, whole numbers; float64 below, of about 16 digits. "
      "Training (chapter 17) takes float32, of 7, in half the memory.");
  expect("X at (1, 2)", X.at({1, 2}), 10 * (0 + 1 * 3 + 2 * 1));
}

void views() {
  // 3. Views: the same memory, other rules
  section(3, "Views: the same memory, other rules");
  say("Change the rule and leave the memory alone: that is a view, and it is free. An axis is a "
      "direction to count in: axis 0 goes down, 1 to the right (from the end: -2, -1). A row has "
      "one axis: its shape is (3,). X^T, X transposed, has X's rows as columns.");
  const Tensor turned = transpose(X);               // (3, 2)  X^T
  const Tensor row = select(X, 0, 1);               // (3,)    index 1 of axis 0
  const Tensor every_other = slice(X, 1, 0, 3, 2);  // (2, 2)  of axis 1, from 0 by 2 to below 3
  const Tensor reshaped = reshape(X, {3, 2});       // (3, 2)  the same reading order
  table({kHeadings, rule("transpose(X)", turned), rule("select(X, 0, 1)", row),
         rule("slice(X, 1, 0, 3, 2)", every_other), rule("reshape(X, {3, 2})", reshaped)});
  show("X^T", "transpose(X)", turned);
  expect("X^T", turned, {0, 30, 10, 40, 20, 50});
  expect("columns 0 and 2", every_other, {0, 20, 30, 50});
  say("What is written through one view, all see. Y is a copy of X, made by clone(); the number 7 "
      "is written into a view of its second row.");
  const Tensor Y = X.clone();
  Tensor second = select(Y, 0, 1);
  second.fill_(7);  // names that end in _ write in place
  show("Y", "X, with 7 written through a view", Y);
  expect("Y", Y, {0, 10, 20, 7, 7, 7}), expect("X", X, {0, 10, 20, 30, 40, 50});
  try_this(
      "Write X for X.clone(). A Tensor is a handle: Y and X are then the same numbers, and "
      "expect finds 7 in X.");

  // 4. Reshape is not transpose
  section(4, "Reshape is not transpose");
  say("Both make (3, 2) of (2, 3), and taking one for the other raises no error, only wrong "
      "numbers. Reshape keeps the reading order, row by row. Compare with X^T.");
  show("R", "reshape(X, {3, 2})", reshaped);
  expect("R", reshaped, {0, 10, 20, 30, 40, 50});
  say("Sometimes no rule will do. X^T in its own reading order lies at the places 0 3 1 4 2 5: no "
      "single stride leads through them. To make one row of it, reshape has to copy.");
  const Tensor F = reshape(turned, {6});  // (6,)
  show("F", "reshape(X^T, {6})", F);
  expect("F", F, {0, 30, 10, 40, 20, 50});
  expect("F is a copy", reshaped.shares_storage_with(X) && !F.shares_storage_with(X));
}

void broadcasting_and_sums() {
  // 5. Broadcasting: a stride of 0
  section(5, "Broadcasting: a stride of 0");
  say("A row b is to be added to every row of M. No need to write it down twice: let a step down "
      "skip 0 places, and the same row is met again. That is broadcasting; add does it by itself, "
      "expand shows it. (M_ij is the number in row i, column j.)");
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
      "      (2, 3)        (2, 3)        (2, 3)        an error\n");
  say("The third pair is a trap. Three guesses in a row, three true values in a column: they look "
      "alike, and their difference should be three zeros. It has nine numbers.");
  const Tensor guesses = Tensor::of<double>({1, 2, 3}, {3});
  const Tensor truth = Tensor::of<double>({1, 2, 3}, {3, 1});
  show("difference", "guesses - truth", sub(guesses, truth));
  expect("difference", sub(guesses, truth), {0, 1, 2, -1, 0, 1, -2, -1, 0});
  try_this("Subtract reshape(truth, {3}): three zeros. If a result surprises, see its shape.");

  // 6. Sums: the way back
  section(6, "Sums: the way back");
  say("Broadcasting makes many of few. A sum along an axis makes few of many, and the axis is "
      "gone: along axis 0 it runs down each column. sum_i means: add up, for all i.");
  formula("s_j = sum_i M_ij");
  show("s", "M summed along axis 0", sum(M, {0}));
  expect("s", sum(M, {0}), {5, 7, 9});
  say("Keep the axis, with size 1, and the result fits what it was made of. So every row can lose "
      "its own average:");
  const Tensor average = mean(M, {1}, true);  // (2, 1); without `true` (2,)
  show("centred", "M - the average of each row", sub(M, average));
  expect("centred", sub(M, average), {-1, 0, 1, -1, 0, 1});
  say("The two belong together: b meets every row, and what comes back is a sum (chapter 2).");
  try_this(
      "Leave out `true`: averages of shape (2,) do not fit (2, 3), and the library refuses. "
      "With a square M they would fit, and the wrong ones be subtracted.");
}

void chapter() { the_rule(), views(), broadcasting_and_sums(); }

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
