// Chapter 18. Flash: the same attention without the T x T matrix.
//
// Softmax seems to need a whole row of scores before it can begin. Five numbers show that it does
// not; then the three tokens of chapter 8 go through block by block, forward and backward.
// Next: lib/kernels/attention_forward.inl, the same with tiles of 128 keys x 64 queries.
#include <algorithm>
#include <cmath>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "examples/chapter.h"
#include "tensor/elementwise.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"
#include "tensor/views.h"

using namespace qkv::examples;
using qkv::tensor::Dtype;
using qkv::tensor::Tensor;
namespace t = qkv::tensor;

namespace {

// Queries, keys and values of chapter 8, and the gradient of its output.
const Tensor Q = Tensor::of<double>({1.18, .78, .62, .59, .66, .71}, {3, 2});
const Tensor K = Tensor::of<double>({.83, .71, .53, .66, .76, .41}, {3, 2});
const Tensor V = Tensor::of<double>({1.02, 1.07, .52, .93, .79, .56}, {3, 2});
const Tensor dO = Tensor::of<double>({1, 0, 0, 1, 1, -1}, {3, 2});
const double kScale = 1 / std::sqrt(2.0);  // 1/√D
Tensor rows(const Tensor& x, int64_t begin, int64_t end) { return t::slice(x, 0, begin, end); }

void five_numbers() {
  // 1. Three passes
  section(1, "Softmax in three passes, on five numbers");
  say("Chapter 8 wrote down a weight for every pair of tokens and kept them for the way back: T x "
      "T numbers; for T = 65536 that is 16 GiB of float32, in every head of every layer. Only the "
      "output is wanted, T rows of width D (Dao et al. 2022, \"FlashAttention\"). Take one query "
      "and five keys, with scores 1 3 2 5 4 and values, one number each, 1 0 2 1 3:");
  expect("16 GiB", 4 * std::exp2(32) / std::exp2(30), 16);  // 4 bytes to a number
  formula("m = max_j s_j,   l = sum_j exp(s_j - m),   o = sum_j exp(s_j - m) v_j / l");
  const std::vector<double> scores = {1, 3, 2, 5, 4}, values = {1, 0, 2, 1, 3};
  double m = -INFINITY, l = 0, o = 0;
  for (const double s : scores) m = std::max(m, s);
  for (const double s : scores) l += std::exp(s - m);
  for (size_t j = 0; j < 5; ++j) o += std::exp(scores[j] - m) * values[j] / l;
  table({{"m", "l", "o"}, {fixed(m), fixed(l), fixed(o)}});
  say("The sums need m first, and m needs the whole row: it is kept, or computed three times.");

  // 2. One pass
  section(2, "The same in one pass: online softmax");
  say("Begin with the largest score so far. If a larger one comes, everything summed until then "
      "has the wrong shift; but one factor mends it all, as exp(s - m') = exp(s - m) exp(m - m').");
  formula("m' = max(m, s_j),   a = exp(m - m'),   p = exp(s_j - m')");
  formula("l' = a l + p,   o' = a o + p v_j,   and at the end o / l");
  std::vector<std::vector<std::string>> steps = {{"s", "m", "a", "p", "l", "o", "o / l"}};
  m = -INFINITY, l = 0, o = 0;  // exp(-INFINITY - m) is 0: at first there is nothing to mend
  for (size_t j = 0; j < 5; ++j) {
    const double s = scores[j], larger = std::max(m, s);
    const double a = std::exp(m - larger), p = std::exp(s - larger);
    m = larger, l = a * l + p, o = a * o + p * values[j];
    steps.push_back({fixed(s), fixed(m), fixed(a), fixed(p), fixed(l), fixed(o), fixed(o / l)});
  }
  table(steps);
  expect("o / l", o / l, 1.4138);
  say("After any line o / l is the right answer for the scores so far. m, l and o are all that is "
      "remembered, however long the row. The last line has 1.4138 again.");
}

// What is known of every query after some of the keys.
struct Running {
  Tensor m = t::full({3, 1}, -INFINITY, Dtype::float64);
  Tensor l = t::zeros({3, 1}, Dtype::float64), o = t::zeros({3, 2}, Dtype::float64);
};

// Section 2, for three queries at once, and some keys in place of one.
void take_in(const Tensor& keys, const Tensor& values, Running& so_far) {
  const Tensor S = t::mul(t::matmul(Q, t::transpose(keys)), kScale);  // (3, keys)
  const Tensor m = t::maximum(so_far.m, t::max(S, -1, true));         // (3, 1)
  const Tensor a = t::exp(t::sub(so_far.m, m));                       // (3, 1)
  const Tensor P = t::exp(t::sub(S, m));                              // (3, keys)
  so_far.l = t::add(t::mul(a, so_far.l), t::sum(P, {-1}, true));
  so_far.o = t::add(t::mul(a, so_far.o), t::matmul(P, values));  // (3, 2)
  so_far.m = m;
}

std::pair<Tensor, Tensor> forward_by_blocks() {  // gives L and delta of section 4
  // 3. Block by block
  section(3, "Chapter 8, block by block");
  say("Now all three queries at once, and a block of keys in place of one. The keys may come in "
      "any order; here the third comes first, as block 1, then the other two, as block 2.");
  Running so_far;
  take_in(rows(K, 2, 3), rows(V, 2, 3), so_far);
  show("o / l", "after block 1: every query gets V_3", t::div(so_far.o, so_far.l));
  take_in(rows(K, 0, 2), rows(V, 0, 2), so_far);
  const Tensor O = t::div(so_far.o, so_far.l);
  show("O", "o / l after block 2: chapter 8's output", O);
  expect("O", O, {.8000, .8691, .7893, .8649, .7904, .8673});

  // 4. What is kept
  section(4, "Two numbers per query in place of T weights");
  say("The way back needs the weights. It computes them again, P, block by block; forward keeps m "
      "and l for it as one number L (no loss here). It compares each weight's gradient with the "
      "row's average of them (chapter 8, section 8): a sum over all keys, but known before the "
      "first block.");
  formula("L = m + log(l),   P_ij = exp(s_ij - m_i) / l_i = exp(s_ij - L_i)");
  formula("delta_i = sum_j P_ij dP_ij = sum_j P_ij (dO_i . V_j) = dO_i . O_i");
  const Tensor L = t::add(so_far.m, t::log(so_far.l));     // (3, 1)
  const Tensor delta = t::sum(t::mul(dO, O), {-1}, true);  // (3, 1)
  show("L", "m + log(l)", L);
  show("delta", "dO O, summed over each row", delta);
  return {L, delta};
}

void chapter() {
  five_numbers();
  const auto [L, delta] = forward_by_blocks();

  // 5. Backward
  section(5, "Backward, block by block");
  say("As in chapter 8, for some keys at a time. A block has its rows of dK and dV; dQ is a sum.");
  formula("dV = P^T dO,   dS = P (dO V^T - delta) / sqrt(D),   dQ = sum dS K,   dK = dS^T Q");
  Tensor dQ = t::zeros({3, 2}, Dtype::float64), dK = dQ.clone(), dV = dQ.clone();
  for (const auto& [begin, end] : {std::pair<int64_t, int64_t>{2, 3}, {0, 2}}) {
    const Tensor k = rows(K, begin, end), v = rows(V, begin, end);                      // (keys, 2)
    const Tensor P = t::exp(t::sub(t::mul(t::matmul(Q, t::transpose(k)), kScale), L));  // (3, keys)
    const Tensor dP = t::matmul(dO, t::transpose(v));                                   // (3, keys)
    const Tensor dS = t::mul(t::mul(P, t::sub(dP, delta)), kScale);                     // (3, keys)
    dQ = t::add(dQ, t::matmul(dS, k));                                                  // (3, 2)
    rows(dK, begin, end).copy_(t::matmul(t::transpose(dS), Q));  // copy_ writes into dK itself
    rows(dV, begin, end).copy_(t::matmul(t::transpose(P), dO));
  }
  show("dQ", "the sum over both blocks", dQ);
  show("dK", "block 2 above block 1", dK);
  show("dV", "block 2 above block 1", dV);
  say("The scores were computed twice; yet a real machine is faster so, as a block stays in its "
      "cache. Layers use it (autograd/attention.cpp, one operation) unless they are asked for the "
      "weights (need_weights in nn/attention.h): a map of who looked at whom is the T x T matrix.");
  std::vector<qkv::autograd::Variable> in;
  for (const Tensor& x : {Q, K, V}) in.push_back(qkv::autograd::parameter(x.clone()));
  backward(qkv::autograd::attention(in[0], in[1], in[2]), dO);
  const std::vector<Tensor> by_hand = {dQ, dK, dV};
  for (size_t i = 0; i < 3; ++i) expect("the same", in[i].grad().value(), by_hand[i].to_vector());
  expect("chapter 8's dQ", dQ, {.0177, .0036, .0004, .0197, .0176, -.0165});
  try_this("Leave out a before so_far.o in take_in: block 1 counts too much, expect() stops at O.");
  say("Your turn: ./qkv exercise 21 (online softmax).");
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
