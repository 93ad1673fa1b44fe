// Chapter 3. Matmul by hand: 2x3 times 3x2, and both gradients.
//
// Matmul is short for matrix multiplication. Nearly all the arithmetic of attention is this one
// operation, and its two gradients are again matrix products.
// What the library has: autograd/products.cpp, with the same formulas for any shape.
#include "autograd/engine.h"
#include "autograd/ops.h"
#include "examples/chapter.h"
#include "tensor/elementwise.h"
#include "tensor/index.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"
#include "tensor/views.h"

using namespace qkv::examples;
using namespace qkv::tensor;
using qkv::autograd::Variable;

namespace {

const Tensor A = Tensor::of<double>({1, 2, 3, 4, 5, 6}, {2, 3});
const Tensor B = Tensor::of<double>({1, -1, 0, 2, 3, 1}, {3, 2});
const Tensor dC = Tensor::of<double>({1, 0, -1, 2}, {2, 2});

// C_ij = sum_k A_ik B_kj, by three loops.
Tensor product(const Tensor& a, const Tensor& b) {  // (M, K) x (K, N) -> (M, N)
  const int64_t M = a.shape()[0], K = a.shape()[1], N = b.shape()[1];
  Tensor c = zeros({M, N}, Dtype::float64);
  for (int64_t i = 0; i < M; ++i) {
    for (int64_t j = 0; j < N; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < K; ++k) sum += a.at({i, k}) * b.at({k, j});
      c.mutable_data<double>()[i * N + j] = sum;
    }
  }
  return c;
}

// The slope of L = sum_ij C_ij dC_ij for every element of `input`: each is moved by h, both ways.
// `input` is one of a and b.
Tensor nudged(const Tensor& a, const Tensor& b, Tensor& input) {
  const double h = .001;
  const auto L = [&] { return sum(mul(product(a, b), dC)).item(); };
  Tensor slopes = zeros(input.shape(), Dtype::float64);
  for (int64_t place = 0; place < input.numel(); ++place) {
    double& element = input.mutable_data<double>()[place];
    const double before = element;
    element = before + h;
    const double above = L();
    element = before - h;
    const double below = L();
    element = before;
    slopes.mutable_data<double>()[place] = (above - below) / (2 * h);
  }
  return slopes;
}

void the_product() {
  // 1. A row meets a column
  section(1, "A row meets a column");
  say("C = A B. Row i of A meets column j of B: multiply in pairs, add up, write the sum at row i, "
      "column j of C. Such a sum of products is called a dot product. Mathematics counts from 1: "
      "C_11 is at the top left. The sizes that meet, 3 and 3, must agree, and they disappear.");
  formula("C_ij = sum_k A_ik B_kj");
  show("A", "given", A);
  show("B", "given", B);
  const Tensor C = product(A, B);  // (2, 3) x (3, 2) -> (2, 2)
  show("C", "A B", C);
  say("C_11 = 1 * 1 + 2 * 0 + 3 * 3 = 10, and C_12 = 1 * -1 + 2 * 2 + 3 * 1 = 6.");
  expect("C", C, {10, 6, 22, 12});
  expect("the library's product", matmul(A, B), {10, 6, 22, 12});

  // 2. The same sums, seen as rows
  section(2, "The same sums, seen as rows");
  say("Look at a whole row of C. It is a mixture of the rows of B, and a row of A says how much of "
      "each to take. Remember this one: an attention's output is such a mixture.");
  formula("row_i(C) = A_i1 row_1(B) + A_i2 row_2(B) + A_i3 row_3(B)");
  Tensor mixture = zeros({2}, Dtype::float64);  // row 1 of C
  for (int64_t k = 0; k < 3; ++k) mixture = add(mixture, mul(select(B, 0, k), A.at({0, k})));
  show("row 1 of C", "1 [1, -1] + 2 [0, 2] + 3 [3, 1]", mixture);
  expect("row 1", mixture, {10, 6});
  try_this(
      "Let row 1 of A be 0 1 0: row 1 of C is then row 2 of B, looked up. With 0.5 0.5 0 it "
      "is the average of two rows.");
}

void the_gradients() {
  // 3. What comes back
  section(3, "What comes back");
  say("Let C go into a loss L, a single number. Its gradient dC has the shape of C, and says of "
      "each element how much L wants it to grow. Let us suppose one; any would do.");
  show("dC", "given", dC);

  // 4. The gradient of A
  section(4, "The gradient of A");
  say("Which elements of C contain A_12? Those of row 1, all of them, and no others:");
  draw(
      "    A  . x .      B  .  .      C  x  x\n"
      "       . . .         x  x         .  .\n"
      "                     .  .\n");
  say("In C_11 it is multiplied by B_21 and in C_12 by B_22. A node used twice, so what comes back "
      "is added (chapter 2, section 4). And a sum over j of dC_ij B_kj is a matrix product again, "
      "with B turned.");
  formula("dA_ik = sum_j dC_ij B_kj,   dA = dC B^T");
  const Tensor dA = matmul(dC, transpose(B));  // (2, 2) x (2, 3) -> (2, 3)
  show("dA", "dC B^T", dA);
  say("dA_12 = dC_11 B_21 + dC_12 B_22 = 1 * 0 + 0 * 2 = 0.");
  expect("dA", dA, {1, 0, 3, -3, 4, -1});

  // 5. The gradient of B
  section(5, "The gradient of B");
  say("B_kj is used in every row of C, in column j: there it is multiplied by A_ik.");
  formula("dB_kj = sum_i A_ik dC_ij,   dB = A^T dC");
  const Tensor dB = matmul(transpose(A), dC);  // (3, 2) x (2, 2) -> (3, 2)
  show("dB", "A^T dC", dB);
  say("dB_11 = A_11 dC_11 + A_21 dC_21 = 1 * 1 + 4 * -1 = -3.");
  expect("dB", dB, {-3, 8, -3, 10, -3, 12});

  // 6. Do you believe it?
  section(6, "Do you believe it?");
  say("Move each element of A and of B a little up and down, and see how L changes. So that dC is "
      "the gradient of C, let L be the sum of the elements of C, each times its dC.");
  formula("L = sum_ij C_ij dC_ij");
  Tensor a = A.clone(), b = B.clone();
  const Tensor slopes_of_A = nudged(a, b, a), slopes_of_B = nudged(a, b, b);
  show("slopes", "L as A is moved, element by element", slopes_of_A);
  show("slopes", "L as B is moved", slopes_of_B);
  expect("slopes of A", slopes_of_A, dA.to_vector());
  expect("slopes of B", slopes_of_B, dB.to_vector());
  const Variable x = qkv::autograd::parameter(A), y = qkv::autograd::parameter(B);
  backward(matmul(x, y), dC);  // of more than one number: we say what arrives
  expect("the engine's dA", x.grad().value(), dA.to_vector());
  expect("the engine's dB", y.grad().value(), dB.to_vector());
  say("All 12 agree with the formulas, and so do the gradients that the library's own walk finds. "
      "Chapter 6 makes a tool of this test.");
  expect("12 elements", A.numel() + B.numel() == 12);
  try_this("Let dC be all ones: both rows of dA are then the row sums of B, which are 0, 2, 4.");
}

void shapes() {
  // 7. Shapes remember the formulas
  section(7, "Shapes remember the formulas");
  say("dA has the shape of A, and among dC B, B dC and dC B^T only the last has it. Whoever "
      "forgets the formula gets it back from the shapes; nearly. dC is square here, so dC^T B^T "
      "has the shape of A as well: no error, other numbers.");
  const Tensor wrong = matmul(transpose(dC), transpose(B));  // (2, 2) x (2, 3) -> (2, 3)
  show("right", "dC B^T", matmul(dC, transpose(B)));
  show("wrong", "dC^T B^T", wrong);
  expect("right", matmul(dC, transpose(B)), {1, 0, 3, -3, 4, -1});
  expect("wrong", wrong, {2, -2, 2, -2, 4, 2});
  expect("B dC has another shape", matmul(B, dC).shape() == Shape{3, 2});
  say("So try a new formula on sizes that all differ, 2, 3 and 4 for instance, and believe the "
      "moved elements, not the shapes.");

  // 8. Many at once
  section(8, "Many at once");
  say("Two matrices side by side are a tensor of three axes. Matmul multiplies the last two; axes "
      "before them broadcast, so one B can serve many A. Then B was used for each of them, and its "
      "gradient is the sum over them: chapter 1, section 6, and chapter 2, section 7.");
  const Variable two = stack({A, mul(A, 10)}, 0);       // (2, 2, 3)  A, and ten times A
  const Variable shared = qkv::autograd::parameter(B);  // (3, 2)
  const Variable C = matmul(two, shared);               // (2, 2, 2)
  backward(C, stack({dC, dC}, 0));
  show("dB", "A^T dC + (10 A)^T dC", shared.grad().value());
  expect("dB", shared.grad().value(), {-33, 88, -33, 110, -33, 132});
}

void chapter() {
  the_product();
  the_gradients();
  shapes();
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
