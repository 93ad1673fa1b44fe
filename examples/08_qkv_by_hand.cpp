// Chapter 8. Q, K, V by hand: three tokens through one attention, forward and backward.
#include <array>
#include <cmath>

#include "autograd/engine.h"
#include "autograd/grad_check.h"
#include "autograd/ops.h"
#include "examples/chapter.h"
#include "tensor/elementwise.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"
#include "tensor/softmax.h"
#include "tensor/views.h"

using namespace qkv::examples;
using namespace qkv::autograd;
using namespace qkv::tensor;

namespace {

const Tensor X = Tensor::of<double>({1, .5, .2, .8, .3, .9, .1, .4, .7, .2, .6, .3}, {3, 4});
const Tensor Wq = Tensor::of<double>({.5, .3, .2, .4, .1, .6, .7, .2}, {4, 2});
const Tensor Wk = Tensor::of<double>({.4, .1, .3, .5, .6, .2, .2, .4}, {4, 2});
const Tensor Wv = Tensor::of<double>({.6, .3, .2, .7, .4, .1, .3, .5}, {4, 2});
const Tensor dO = Tensor::of<double>({1, 0, 0, 1, 1, -1}, {3, 2});
const double kScale = 1 / std::sqrt(2.0);  // 1/√D

using Results = std::array<Tensor, 6>;  // Q, K, V, S, Z, A: what later sections need

// Shows a result, and asserts that its numbers are those that you should find by hand.
Tensor found(const char* name, const char* from, Tensor value, std::vector<double> by_hand = {}) {
  show(name, from, value);
  if (!by_hand.empty()) expect(name, value, by_hand);
  return value;
}

Results forward() {
  // 1. The tokens
  section(1, "The tokens");
  say("Three tokens: pieces of text, words perhaps, each as a row of numbers; here of width 4.");
  show("X", "the input", X);
  // 2. Query, key, value
  section(2, "Three sides of every token: query, key, value");
  say("A query says what a token looks for, a key what it can be found by, a value what it has to "
      "give. Each is a projection, a product with a matrix of learned weights; here to width 2.");
  const Tensor Q = found("Q", "X Wq", matmul(X, Wq), {1.18, .78, .62, .59, .66, .71});
  const Tensor K = found("K", "X Wk", matmul(X, Wk), {.83, .71, .53, .66, .76, .41});
  const Tensor V = found("V", "X Wv", matmul(X, Wv), {1.02, 1.07, .52, .93, .79, .56});
  // 3. The scores
  section(3, "Scores: every query meets every key");
  say("Row i, column j: query i against key j. The first is 1.18 * 0.83 + 0.78 * 0.71 = 1.5332.");
  formula("S_ij = Q_i . K_j");
  const Tensor S = found("S", "Q K^T", matmul(Q, transpose(K)),
                         {1.5332, 1.1402, 1.2166, .9335, .7180, .7131, 1.0519, .8184, .7927});
  // 4. The scaling
  section(4, "Scaling by 1/sqrt(D)");
  say("A dot product of D terms grows like sqrt(D). Divided by it, scores stay of one size, and "
      "softmax chooses no key alone: chapter 9 measures it. Here D = 2, and the factor 0.7071.");
  expect("the factor", kScale, .7071);
  const Tensor Z = found("Z", "S / sqrt(2)", mul(S, kScale));
  // 5. The weights
  section(5, "Softmax: from scores to weights");
  say("Each row is exponentiated and divided by its sum: positive numbers that add up to 1.");
  formula("A_ij = exp(Z_ij) / sum_k exp(Z_ik)");
  const Tensor A = found("A", "softmax(Z), row by row", softmax(Z, -1),
                         {.3911, .2962, .3127, .3684, .3163, .3152, .3731, .3163, .3106});
  map("who looks at whom", A, {"1", "2", "3"}, {"1", "2", "3"});
  // 6. The output
  section(6, "The output: a weighted average of the values");
  say("Row 1 is 0.3911 V1 + 0.2962 V2 + 0.3127 V3. Weights this even average almost everything.");
  formula("O_i = sum_j A_ij V_j");
  found("O", "A V", matmul(A, V), {.8000, .8691, .7893, .8649, .7904, .8673});
  return {Q, K, V, S, Z, A};
}

// The whole chapter as one expression (nn/attention.cpp has it for many sequences).
Variable attention(const std::vector<Variable>& in) {
  const Variable q = matmul(in[0], in[1]), k = matmul(in[0], in[2]), v = matmul(in[0], in[3]);
  return matmul(softmax(matmul(q, transpose(k)) * kScale, -1), v);  // (3, 2)
}

void backward_by_hand(const Results& results) {
  const auto& [Q, K, V, S, Z, A] = results;
  // 7. Backward through the average
  section(7, "Backward: through the average");
  say("Let dO be given: how fast the loss grows with O. V_j reached O_i with weight A_ij, and A_ij "
      "reached O_i through V_j; so each one's gradient is dO weighted by the other.");
  show("dO", "given", dO);
  const Tensor dV =
      found("dV", "A^T dO", matmul(transpose(A), dO), {.7642, -.0047, .6125, 0, .6233, .0046});
  const Tensor dA = found("dA", "dO V^T", matmul(dO, transpose(V)));
  // 8. Backward through softmax
  section(8, "Backward: through softmax");
  say("Raising one score takes weight from the others in its row: what counts is how much better a "
      "weight's gradient is than the row's average. So each row of dZ adds up to 0.");
  formula("dZ_ij = A_ij (dA_ij - sum_k dA_ik A_ik)");
  const Tensor average = sum(mul(dA, A), {-1}, true);  // (3, 1)
  const Tensor dZ = found("dZ", "A (dA - average)", mul(A, sub(dA, average)));
  expect("row sums of dZ", sum(dZ, {-1}), {0, 0, 0});
  // 9. Backward to queries, keys and the weights
  section(9, "Backward: to the queries, the keys and the projections");
  say("Z_ij = Q_i . K_j / sqrt(D): each side's gradient is the other side, weighted by dZ. The "
      "projections saw every token, so their gradients sum over tokens, which is what X^T does.");
  const Tensor dQ = found("dQ", "dZ K / sqrt(2)", mul(matmul(dZ, K), kScale));
  const Tensor dK = found("dK", "dZ^T Q / sqrt(2)", mul(matmul(transpose(dZ), Q), kScale));
  const Tensor dWq = found("dWq", "X^T dQ", matmul(transpose(X), dQ));
  const Tensor dWk = found("dWk", "X^T dK", matmul(transpose(X), dK));
  const Tensor dWv = found("dWv", "X^T dV", matmul(transpose(X), dV));
  // 10. Do you believe it?
  section(10, "Do you believe it?");
  say("The engine, given only the forward formula, finds the same; and numeric differences, which "
      "know no calculus, agree with it at every element of X, Wq, Wk and Wv.");
  const Variable wq = parameter(Wq), wk = parameter(Wk), wv = parameter(Wv);
  backward(attention({X, wq, wk, wv}), dO);
  expect("engine's dWq", wq.grad().value(), dWq.to_vector());
  expect("engine's dWk", wk.grad().value(), dWk.to_vector());
  expect("engine's dWv", wv.grad().value(), dWv.to_vector());
  expect("all agree", grad_check("attention", attention, {X, Wq, Wk, Wv}).passed);
  try_this("Set Wk to zero: every weight is 1/3, and dQ vanishes, since all keys look alike.");
}

void printout(const Results& results) {
  const auto& [Q, K, V, S, Z, A] = results;
  // 11. The printout
  section(11, "The well-known printout, beside the right one");
  say("This example goes round with a printout of its results, Q to O, most of them wrong. Row 1 "
      "of its A, beside ours and beside some mistakes, really made:");
  const auto row = [](const char* name, const Tensor& w) -> std::vector<std::string> {
    expect("this row is not the printout's", std::abs(w.at({0, 0}) - .48) > .005);
    return {name, fixed(w.at({0, 0})), fixed(w.at({0, 1})), fixed(w.at({0, 2}))};
  };
  table({{"row 1 of A", "token 1", "token 2", "token 3"},
         row("here", A),
         row("without 1/sqrt(D)", softmax(S, -1)),
         row("times sqrt(D)", softmax(mul(S, 1 / kScale), -1)),
         row("softmax down the columns", softmax(Z, 0)),
         {"the printout", ".48", ".25", ".27"}});
  say("None gives .48 .25 .27, though that adds up to 1. It is no shame: paper does not object.");
  try_this("Change a number in a line with found(): the program ends there and names it.");
  say("Your turn: ./qkv exercise 08 (all of it, forward) and 09 (how O follows a query).");
}

void chapter() {
  const Results results = forward();
  backward_by_hand(results), printout(results);
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
