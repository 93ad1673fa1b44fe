// Chapter 3. Matmul by hand: 2x3 times 3x2, and both gradients.
//
// Matmul is short for matrix multiplication; a matrix is a tensor of two axes. Nearly all of an
// attention's arithmetic is this. Its gradients are matrix products, too (autograd/products.cpp).
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
  std::vector<double> c;  // row after row
  for (int64_t i = 0; i < M; ++i)
    for (int64_t j = 0; j < N; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < K; ++k) sum += a.at({i, k}) * b.at({k, j});
      c.push_back(sum);
    }
  return Tensor::of<double>(c, {M, N});
}

// The loss of section 5, and its slope at every element of x, moved by 0.001 up and down.
double loss(const Tensor& a, const Tensor& b) { return sum(mul(product(a, b), dC)).item(); }
Tensor slopes(double (*L)(const Tensor&), const Tensor& x) {
  std::vector<double> found;
  for (int64_t place = 0; place < x.numel(); ++place) {  // all its elements, as they lie
    Tensor h = zeros(x.shape(), Dtype::float64);
    h.mutable_data<double>()[place] = .001;  // its row in memory
    found.push_back((L(add(x, h)) - L(sub(x, h))) / .002);
  }
  return Tensor::of<double>(found, x.shape());
}

void the_product() {
  // 1. A row meets a column
  section(1, "A row meets a column");
  say("C = A B. Row i of A meets column j of B: multiply in pairs, add up, write the sum at row i, "
      "column j of C. Such a sum is a dot product, written a . b. Mathematics counts from 1: C_11 "
      "is at the top left. The sizes that meet, 3 and 3, must agree, and they disappear.");
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
  try_this("Let row 1 of A be 0 1 0: row 1 of C becomes row 2 of B. That is a lookup.");
}

void the_gradients() {
  // 3. What comes back: the gradient of A
  section(3, "What comes back: the gradient of A");
  say("Let C go into a loss L, a single number. Its gradient dC has the shape of C, and says of "
      "each element how fast L grows with it. Let us suppose one; any would do.");
  show("dC", "given", dC);
  say("Which elements of C contain A_12? Those of row 1, all of them, and no others:");
  draw(
      "    A  . x .      B  .  .      C  x  x\n"
      "       . . .         x  x         .  .\n"
      "                     .  .\n");
  say("In C_11 it is multiplied by B_21 and in C_12 by B_22. A node used twice, so what comes back "
      "is added (chapter 2). The sum over j is a matrix product again, with B transposed.");
  formula("dA_ik = sum_j dC_ij B_kj,   dA = dC B^T");
  const Tensor dA = matmul(dC, transpose(B));  // (2, 2) x (2, 3) -> (2, 3)
  show("dA", "dC B^T", dA);
  say("dA_12 = dC_11 B_21 + dC_12 B_22 = 1 * 0 + 0 * 2 = 0.");
  expect("dA", dA, {1, 0, 3, -3, 4, -1}), expect("B's row sums", sum(B, {1}), {0, 2, 4});

  // 4. The gradient of B
  section(4, "The gradient of B");
  say("B_kj is used in every row of C, in column j: there it is multiplied by A_ik.");
  formula("dB_kj = sum_i A_ik dC_ij,   dB = A^T dC");
  const Tensor dB = matmul(transpose(A), dC);  // (3, 2) x (2, 2) -> (3, 2)
  show("dB", "A^T dC", dB);
  say("dB_11 = A_11 dC_11 + A_21 dC_21 = 1 * 1 + 4 * -1 = -3.");
  expect("dB", dB, {-3, 8, -3, 10, -3, 12});

  // 5. Do you believe it?
  section(5, "Do you believe it?");
  say("Move each element of A and of B a little up and down, and see how far L moves. So that dC "
      "is the gradient of C, let L be the sum of the elements of C, each times its dC.");
  formula("L = sum_ij C_ij dC_ij");
  const Tensor at_A = slopes([](const Tensor& a) { return loss(a, B); }, A);  // (2, 3)
  const Tensor at_B = slopes([](const Tensor& b) { return loss(A, b); }, B);  // (3, 2)
  show("slopes", "L as A is moved, element by element", at_A);
  expect("slopes at A", at_A, dA.to_vector()), expect("slopes at B", at_B, dB.to_vector());
  const Variable x = qkv::autograd::parameter(A), y = qkv::autograd::parameter(B);
  backward(matmul(x, y), dC);  // of more than one number: dC is what arrives
  expect("the engine's dA", x.grad().value(), dA.to_vector());
  expect("the engine's dB", y.grad().value(), dB.to_vector());
  say("They are dA. Those of B are dB, and the library's engine finds the same two gradients. "
      "Chapter 6 makes a tool of this test.");
  try_this("Let dC be all ones: both rows of dA are then the row sums of B, which are 0, 2, 4.");
}

void shapes() {
  // 6. Shapes remember the formulas
  section(6, "Shapes remember the formulas");
  say("Among dC B, B dC and dC B^T only the last has the shape of A: so shapes give a forgotten "
      "formula back. Nearly: dC is square here, and dC^T B^T fits as well.");
  const Tensor wrong = matmul(transpose(dC), transpose(B));  // (2, 2) x (2, 3) -> (2, 3)
  show("wrong", "dC^T B^T", wrong);
  expect("wrong", wrong, {2, -2, 2, -2, 4, 2});
  expect("B dC has another shape", matmul(B, dC).shape() == Shape{3, 2});
  say("So try a new formula on sizes that all differ, and believe the moved elements.");

  // 7. Many at once
  section(7, "Many at once");
  say("Two matrices side by side are a tensor of three axes. Matmul multiplies the last two; axes "
      "before them broadcast, so one B can serve many A. Then B was used for each of them, and its "
      "gradient is the sum over them, as in chapter 2, section 7. Here A and ten times A:");
  const Variable two = stack({A, mul(A, 10)}, 0);       // (2, 2, 3)  on a new axis, 0
  const Variable shared = qkv::autograd::parameter(B);  // (3, 2)
  backward(matmul(two, shared), stack({dC, dC}, 0));    // (2, 2, 2)
  show("dB", "A^T dC + (10 A)^T dC", shared.grad().value());
  expect("dB", shared.grad().value(), {-33, 88, -33, 110, -33, 132});
  say("Your turn: ./qkv exercise 03 (the gradient of a row added to many) and 04 (dA and dB).");
}

void chapter() { the_product(), the_gradients(), shapes(); }

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
