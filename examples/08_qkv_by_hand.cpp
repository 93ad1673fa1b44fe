// Chapter 8. Q, K, V by hand: three tokens through one attention head, forward and backward.
//
// Follow it with pencil and paper: X is 3 tokens of width 4, the head has width D = 2. Sections
// have the same numbers here and in the output; every number quoted is asserted.
#include <algorithm>
#include <cmath>

#include "autograd/engine.h"
#include "autograd/grad_check.h"
#include "autograd/ops.h"
#include "examples/chapter.h"
#include "tensor/elementwise.h"
#include "tensor/index.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"
#include "tensor/softmax.h"
#include "tensor/views.h"

using namespace qkv::examples;
using qkv::autograd::Variable;
using qkv::tensor::Tensor;
namespace t = qkv::tensor;

namespace {

const Tensor X = Tensor::of<double>({1, .5, .2, .8, .3, .9, .1, .4, .7, .2, .6, .3}, {3, 4});
const Tensor Wq = Tensor::of<double>({.5, .3, .2, .4, .1, .6, .7, .2}, {4, 2});
const Tensor Wk = Tensor::of<double>({.4, .1, .3, .5, .6, .2, .2, .4}, {4, 2});
const Tensor Wv = Tensor::of<double>({.6, .3, .2, .7, .4, .1, .3, .5}, {4, 2});
const Tensor dO = Tensor::of<double>({1, 0, 0, 1, 1, -1}, {3, 2});
const double kScale = 1 / std::sqrt(2.0);  // 1/√D
const std::vector<std::string> kTokens = {"token 1", "token 2", "token 3"};

// What section 1 to 6 find, and the gradients of sections 7 to 9.
struct Found {
  Tensor Q, K, V, S, Z, A, O;
  Tensor dWq, dWk, dWv;
};

void forward(Found& f) {
  // 1. The tokens
  section(1, "The tokens");
  say("Three tokens, each a row of four numbers. What the numbers mean does not matter here.");
  show("X", "the input", X);

  // 2. The projections
  section(2, "Three views of every token: query, key, value");
  say("A query says what a token looks for, a key what it can be found by, a value what it has to "
      "give. All three are linear: one matrix product each, with weights that are learned.");
  const Tensor Q = t::matmul(X, Wq), K = t::matmul(X, Wk), V = t::matmul(X, Wv);  // (3, 2)
  show("Q", "X Wq", Q);
  show("K", "X Wk", K);
  show("V", "X Wv", V);
  expect("Q", Q, {1.18, .78, .62, .59, .66, .71});
  expect("K", K, {.83, .71, .53, .66, .76, .41});
  expect("V", V, {1.02, 1.07, .52, .93, .79, .56});

  // 3. The scores
  section(3, "Scores: every query meets every key");
  formula("S_ij = Q_i . K_j");
  say("Row i, column j: how well query i matches key j, as a dot product. The first one is 1.18 * "
      "0.83 + 0.78 * 0.71 = 1.5332.");
  const Tensor S = t::matmul(Q, t::transpose(K));  // (3, 3)
  show("S", "Q K^T", S);
  expect("S", S, {1.5332, 1.1402, 1.2166, .9335, .7180, .7131, 1.0519, .8184, .7927});

  // 4. The scaling
  section(4, "Scaling by 1/sqrt(D)");
  say("A dot product of D terms grows like sqrt(D); divided by it, scores stay of one size "
      "whatever the width, and softmax does not harden: chapter 9 measures it. Here D = 2, so the "
      "factor is 0.7071.");
  const Tensor Z = t::mul(S, kScale);  // (3, 3)
  show("Z", "S / sqrt(2)", Z);
  expect("the factor", kScale, .7071);
  expect("Z", Z, {1.0841, .8062, .8603, .6601, .5077, .5042, .7438, .5787, .5605});

  // 5. The weights
  section(5, "Softmax: from scores to weights");
  formula("A_ij = exp(Z_ij) / sum_k exp(Z_ik)");
  say("Each row is exponentiated and divided by its sum: positive numbers that add up to 1.");
  const Tensor A = t::softmax(Z, -1);  // (3, 3)
  show("A", "softmax(Z), row by row", A);
  map("who looks at whom", A, kTokens, kTokens);
  expect("A", A, {.3911, .2962, .3127, .3684, .3163, .3152, .3731, .3163, .3106});
  expect("row sums", t::sum(A, {-1}), {1, 1, 1});

  // 6. The output
  section(6, "The output: a weighted average of the values");
  formula("O_i = sum_j A_ij V_j");
  say("Row 1 is 0.3911 V1 + 0.2962 V2 + 0.3127 V3. Weights this even average almost everything.");
  const Tensor O = t::matmul(A, V);  // (3, 2)
  show("O", "A V", O);
  expect("O", O, {.8000, .8691, .7893, .8649, .7904, .8673});
  f = {Q, K, V, S, Z, A, O, {}, {}, {}};
}

void backward_by_hand(Found& f) {
  // 7. Backward through the average
  section(7, "Backward: through the average");
  say("Suppose the loss wants O changed in the direction dO. V_j reached O_i with weight A_ij, and "
      "A_ij reached O_i through V_j; so each one's gradient is dO weighted by the other.");
  const Tensor dV = t::matmul(t::transpose(f.A), dO);  // (3, 2)
  const Tensor dA = t::matmul(dO, t::transpose(f.V));  // (3, 3)
  show("dO", "given", dO);
  show("dV", "A^T dO", dV);
  show("dA", "dO V^T", dA);
  expect("dV", dV, {.7642, -.0047, .6125, .0000, .6233, .0046});
  expect("dA", dA, {1.02, .52, .79, 1.07, .93, .56, -.05, -.41, .23});

  // 8. Backward through softmax
  section(8, "Backward: through softmax");
  formula("dZ_ij = A_ij (dA_ij - sum_k dA_ik A_ik)");
  say("Raising one score takes weight from the others in its row: what counts is how much better a "
      "weight's gradient is than the row's average. So each row of dZ adds up to 0.");
  const Tensor average = t::sum(t::mul(dA, f.A), {-1}, true);  // (3, 1)
  const Tensor dZ = t::mul(f.A, t::sub(dA, average));          // (3, 3)
  show("dZ", "A (dA - row average of dA weighted by A)", dZ);
  show("row sums", "dZ summed over keys", t::sum(dZ, {-1}));
  expect("dZ", dZ, {.0861, -.0829, -.0031, .0755, .0206, -.0961, .0100, -.1054, .0953});
  expect("row sums of dZ", t::sum(dZ, {-1}), {0, 0, 0});

  // 9. Backward to queries, keys and the weights
  section(9, "Backward: to the queries, the keys and the projections");
  say("Z_ij = Q_i . K_j / sqrt(D): each side's gradient is the other side, weighted by dZ. The "
      "projections saw every token, so their gradients sum over tokens, which is what X^T does.");
  const Tensor dQ = t::mul(t::matmul(dZ, f.K), kScale);                // (3, 2)
  const Tensor dK = t::mul(t::matmul(t::transpose(dZ), f.Q), kScale);  // (3, 2)
  f.dWq = t::matmul(t::transpose(X), dQ);                              // (4, 2)
  f.dWk = t::matmul(t::transpose(X), dK), f.dWv = t::matmul(t::transpose(X), dV);
  show("dQ", "dZ K / sqrt(2)", dQ);
  show("dK", "dZ^T Q / sqrt(2)", dK);
  show("dWq", "X^T dQ", f.dWq);
  show("dWk", "X^T dK", f.dWk);
  show("dWv", "X^T dV", f.dWv);
  expect("dQ", dQ, {.0177, .0036, .0004, .0197, .0176, -.0165});
  expect("dK", dK, {.1096, .0840, -.1093, -.0901, -.0003, .0060});
  expect("dWq", f.dWq, {.0302, -.0021, .0128, .0162, .0142, -.0072, .0196, .0058});
  expect("dWk", f.dWk, {.0766, .0612, -.0437, -.0378, .0108, .0114, .0439, .0330});
  expect("dWv", f.dWv, {1.3843, -.0014, 1.0580, -.0014, .5881, .0019, 1.0434, -.0023});
}

// The whole chapter as one expression of autograd (nn/attention.cpp has it for (B, H, T, D)).
Variable attention(const std::vector<Variable>& in) {
  const Variable &x = in[0], &wq = in[1], &wk = in[2], &wv = in[3];
  const Variable Q = matmul(x, wq), K = matmul(x, wk), V = matmul(x, wv);  // (3, 2)
  return matmul(softmax(matmul(Q, transpose(K)) * kScale, -1), V);         // (3, 2)
}

// 10. The check
void check(const Found& f) {
  section(10, "Do you believe it?");
  say("The engine, given only the forward formula, must find the same gradients; and numeric "
      "differences, which know no calculus, must agree with the engine at every element.");
  std::vector<Variable> leaves;
  for (const Tensor& input : {X, Wq, Wk, Wv})
    leaves.push_back(qkv::autograd::parameter(input.clone()));
  const Variable O = attention(leaves);
  backward(O, dO);
  expect("engine's O", O.value(), f.O.to_vector());
  expect("engine's dWq", leaves[1].grad().value(), f.dWq.to_vector());
  expect("engine's dWk", leaves[2].grad().value(), f.dWk.to_vector());
  expect("engine's dWv", leaves[3].grad().value(), f.dWv.to_vector());
  const auto report = qkv::autograd::grad_check("attention", attention, {X, Wq, Wk, Wv});
  if (!report.passed) throw std::runtime_error(report.message);
  say("by hand = by the engine, and 36 of 36 elements agree with numeric differences.");
  expect("elements", static_cast<double>(report.elements), 36);
  Variable keyless = attention({X, leaves[1], t::zeros({4, 2}, X.dtype()), Wv});
  leaves[1].zero_grad();
  backward(keyless, dO);
  expect("dWq without keys", leaves[1].grad().value(), std::vector<double>(8, 0));
  try_this(
      "set Wk to zero. Every score is 0, every weight 1/3, and dQ vanishes: a query cannot learn "
      "what to look for while all keys look alike.");
}

// 11. Row 1 of the weights as the printout has it, and as some mistakes would have it.
void printout(const Found& f) {
  section(11, "The well-known printout, beside the right one");
  const int64_t numbers = 3 * f.Q.numel() + 3 * f.S.numel() + f.O.numel();
  expect("51 numbers", numbers == 51);
  say("This example goes round with a printout of its results, 51 numbers, as many as Q, K, V, S, "
      "Z, A and O have together. Most of them are wrong. Row 1 of its A, beside ours:");
  const Tensor printed = Tensor::of<double>({.48, .25, .27}, {1, 3});
  const Tensor right = t::slice(f.A, 0, 0, 1);  // (1, 3)
  map("row 1 of A", t::concat({right, printed}, 0), {"here", "printout"}, kTokens);
  say("Both rows add up to 1, so the sum gives nothing away. Which mistake could it be? Some are "
      "easily made; here they are, really computed:");
  std::vector<std::vector<std::string>> rows = {{"row 1 of A", "token 1", "token 2", "token 3"}};
  const auto add = [&](const char* name, const Tensor& weights) {
    const std::vector<double> w = t::select(weights, 0, 0).to_vector();
    rows.push_back({name, fixed(w[0]), fixed(w[1]), fixed(w[2])});
    const double far = t::max(t::abs(t::sub(t::select(weights, 0, 0), printed)), 1).item();
    expect(std::string(name) + " is not the printout", (far > .005) == (weights.shape()[0] == 3));
  };
  add("here", f.A);
  add("without 1/sqrt(D)", t::softmax(f.S, -1));
  add("times sqrt(D)", t::softmax(t::mul(f.S, 1 / kScale), -1));
  add("divided by D", t::softmax(t::mul(f.S, .5), -1));
  add("softmax down the columns", t::softmax(f.Z, 0));
  add("the printout", printed);
  table(rows);
  say("None of them gives .48 .25 .27. It is no shame: by hand hardly anybody gets 51 numbers "
      "right, and nothing in a page of text objects. So every number of this book is printed by a "
      "program, which stops if one is not what the text says.");
  try_this(
      "change a number in one of the lines with expect(): the program ends there and names it.");
}

void chapter() {
  Found found;
  forward(found);
  backward_by_hand(found);
  check(found);
  printout(found);
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
