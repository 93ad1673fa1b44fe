// Chapter 18. Flash: the same attention without the T x T matrix.
//
// Softmax seems to need a whole row of scores before it can begin. It does not: five numbers show
// why, then the three tokens of chapter 8 go through block by block, forward and backward.
// Next: lib/kernels/attention_forward.inl, the same with tiles of 128 keys x 64 queries.
#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "examples/chapter.h"
#include "nn/attention.h"
#include "tensor/elementwise.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"
#include "tensor/views.h"

using namespace qkv::examples;
using qkv::autograd::Variable;
using qkv::tensor::Dtype;
using qkv::tensor::Tensor;

namespace {

namespace t = qkv::tensor;

// Queries, keys and values of chapter 8, and the gradient of its output.
const Tensor Q = Tensor::of<double>({1.18, .78, .62, .59, .66, .71}, {3, 2});
const Tensor K = Tensor::of<double>({.83, .71, .53, .66, .76, .41}, {3, 2});
const Tensor V = Tensor::of<double>({1.02, 1.07, .52, .93, .79, .56}, {3, 2});
const Tensor dO = Tensor::of<double>({1, 0, 0, 1, 1, -1}, {3, 2});
const double kScale = 1 / std::sqrt(2.0);  // 1/√D
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensor rows(const Tensor& x, int64_t begin, int64_t end) { return t::slice(x, 0, begin, end); }

bool same(const Tensor& a, const Tensor& b) {  // to twelve decimals
  const std::vector<double> distances = t::abs(t::sub(a, b)).to_vector();
  return std::all_of(distances.begin(), distances.end(), [](double d) { return d <= 1e-12; });
}

// 1. What there is to save
void the_matrix() {
  section(1, "What there is to save");
  say("Chapter 8 wrote down a weight for every pair of tokens, T x T numbers, and kept them for "
      "the way back. Every head of every layer does so:");
  std::vector<std::vector<std::string>> sizes = {{"T", "weights of a head", "MiB in float32"}};
  for (const int64_t T : {3, 1024, 4096, 65536}) {
    const double mebibytes = static_cast<double>(4 * T * T) / (1024 * 1024);  // 4 bytes to a number
    sizes.push_back({std::to_string(T), std::to_string(T * T), fixed(mebibytes, 0)});
  }
  table(sizes);
  say("Only the output is wanted, T rows of width D. The weights are scaffolding: this chapter "
      "builds without it (Dao et al. 2022, \"FlashAttention\"). Nothing is approximated, and "
      "every result is asserted to be that of chapter 8.");
}

const std::vector<double> kScores = {1, 3, 2, 5, 4}, kValues = {1, 0, 2, 1, 3};

// 2. Three passes
double three_passes() {
  section(2, "Softmax in three passes, on five numbers");
  say("One query, five keys: the scores are 1 3 2 5 4, the values, one number each, 1 0 2 1 3. As "
      "chapter 5 has it, the largest score is taken off first, so that exp cannot overflow:");
  formula("m = max_j s_j,   l = sum_j exp(s_j - m),   o = sum_j exp(s_j - m) v_j / l");
  double m = -kInfinity, l = 0, o = 0;
  for (const double s : kScores) m = std::max(m, s);
  for (const double s : kScores) l += std::exp(s - m);
  for (size_t j = 0; j < kScores.size(); ++j) o += std::exp(kScores[j] - m) * kValues[j] / l;
  table({{"m", "l", "o"}, {fixed(m), fixed(l), fixed(o)}});
  say("The row is walked through three times, and the second walk cannot begin before the first "
      "has seen the last score. So the row has to be kept, or computed three times.");
  expect("m", m, 5);
  expect("l", l, 1.5713);
  return o;
}

// 3. One pass
void one_pass(double expected) {
  section(3, "The same in one pass");
  say("Begin with the largest score so far. If a larger one comes, everything summed until then "
      "has the wrong shift; but one factor mends all of it, since exp(s - m') = exp(s - m) exp(m "
      "- m').");
  formula("m' = max(m, s_j),   a = exp(m - m'),   p = exp(s_j - m')");
  formula("l' = a l + p,   o' = a o + p v_j,   and at the end o / l");
  std::vector<std::vector<std::string>> steps = {{"s", "v", "m", "a", "p", "l", "o", "o / l"}};
  double m = -kInfinity, l = 0, o = 0, unmended = 0;
  for (size_t j = 0; j < kScores.size(); ++j) {
    const double s = kScores[j], v = kValues[j];
    const double larger = std::max(m, s);
    const double a = std::exp(m - larger);  // exp(-inf) = 0 at first: there is nothing to mend
    const double p = std::exp(s - larger);
    l = a * l + p;
    o = a * o + p * v;
    m = larger;
    unmended += p;
    steps.push_back({fixed(s, 0), fixed(v, 0), fixed(m, 0), fixed(a), fixed(p), fixed(l), fixed(o),
                     fixed(o / l)});
  }
  table(steps);
  say("The last line is what three passes found, and after any line o / l is the right answer for "
      "the scores so far. Three numbers, m, l and o, are all that is remembered, however long the "
      "row. Without the factor a the sum l would be 3.7358 and not 1.5713: the first scores would "
      "count as if 5 had never come.");
  expect("one pass finds what three passes find", std::abs(o / l - expected) <= 1e-12);
  expect("l", l, 1.5713);
  expect("l without a", unmended, 3.7358);
  try_this(
      "Give the scores in falling order, 5 4 3 2 1, each with its value: a is 1 on every "
      "line but the first, as nothing has to be mended, and the result is the same.");
}

// What is known of every query after some of the keys: section 3, for three queries at once.
struct Running {
  Tensor m = t::full({3, 1}, -kInfinity, Dtype::float64);
  Tensor l = t::zeros({3, 1}, Dtype::float64);
  Tensor o = t::zeros({3, 2}, Dtype::float64);
};

void take_in(const Tensor& keys, const Tensor& values, Running& so_far) {
  const Tensor S = t::mul(t::matmul(Q, t::transpose(keys)), kScale);  // (3, keys)
  const Tensor m = t::maximum(so_far.m, t::max(S, -1, true));         // (3, 1)
  const Tensor a = t::exp(t::sub(so_far.m, m));                       // (3, 1)
  const Tensor P = t::exp(t::sub(S, m));                              // (3, keys)
  so_far.l = t::add(t::mul(a, so_far.l), t::sum(P, {-1}, true));
  so_far.o = t::add(t::mul(a, so_far.o), t::matmul(P, values));  // (3, 2)
  so_far.m = m;
}

// 4. Block by block
Running block_by_block() {
  section(4, "Chapter 8, block by block");
  say("Now all three queries at once, and a block of keys in place of one. The keys may come in "
      "any order; here the third comes first, as block 1, and then the other two, as block 2.");
  Running so_far;
  take_in(rows(K, 2, 3), rows(V, 2, 3), so_far);
  show("m", "the largest score in block 1", so_far.m);
  show("o / l", "the output if there were no other keys: each query gets V_3",
       t::div(so_far.o, so_far.l));
  expect("o / l after block 1", t::div(so_far.o, so_far.l), {.79, .56, .79, .56, .79, .56});
  const Tensor before = so_far.m;
  take_in(rows(K, 0, 2), rows(V, 0, 2), so_far);
  show("m", "the largest score so far", so_far.m);
  show("a", "exp(m before - m)", t::exp(t::sub(before, so_far.m)));
  const Tensor O = t::div(so_far.o, so_far.l);
  show("O", "o / l", O);
  expect("O", O, {.8000, .8691, .7893, .8649, .7904, .8673});
  say("That is chapter 8's output. No more than a block of scores was ever held.");
  return so_far;
}

// 5. What backward needs
Tensor one_number_per_query(const Running& end) {
  section(5, "One number per query in place of T weights");
  say("The way back needs the weights. It computes them again, block by block, and for that "
      "forward keeps m and l of each query, folded into one number:");
  formula("L = m + log(l),   weight_ij = exp(s_ij - m_i) / l_i = exp(s_ij - L_i)");
  const Tensor L = t::add(end.m, t::log(end.l));  // (3, 1)
  show("L", "m + log(l)", L);
  const Tensor scores = t::mul(t::matmul(Q, t::transpose(rows(K, 0, 2))), kScale);  // (3, 2)
  const Tensor P = t::exp(t::sub(scores, L));
  show("P", "exp(S - L) of block 2: the first two columns of chapter 8's weights", P);
  expect("P", P, {.3911, .2962, .3684, .3163, .3731, .3163});
  return L;
}

// 6. The row average, known beforehand
Tensor row_average(const Tensor& O) {
  section(6, "The average that looks like it needs a whole row");
  say("Softmax's way back compares each weight's gradient with the row's average of them (chapter "
      "8, section 8). That average runs over all keys; but it is known before the first block, "
      "because a sum over keys of weight times value is the output:");
  formula(
      "delta_i = sum_j P_ij dP_ij = sum_j P_ij (dO_i . V_j) = dO_i . (sum_j P_ij V_j) = dO_i . "
      "O_i");
  const Tensor delta = t::sum(t::mul(dO, O), {-1}, true);  // (3, 1)
  show("delta", "dO O, summed over each row", delta);
  expect("delta", delta, {.8000, .8649, -.0769});
  return delta;
}

// 7. Backward, block by block
std::vector<Tensor> backward_by_blocks(const Tensor& L, const Tensor& delta) {
  section(7, "Backward, block by block");
  say("The lines of chapter 8, for some keys at a time. A block owns its rows of dK and dV; dQ is "
      "a sum over all the blocks.");
  formula(
      "dV = P^T dO,   dS = P (dO V^T - delta),   dQ = sum_blocks dS K / sqrt(D),"
      "   dK = dS^T Q / sqrt(D)");
  Tensor dQ = t::zeros({3, 2}, Dtype::float64);
  Tensor dK = t::zeros({3, 2}, Dtype::float64), dV = t::zeros({3, 2}, Dtype::float64);
  for (const auto& [begin, end] : {std::pair<int64_t, int64_t>{2, 3}, {0, 2}}) {
    const Tensor k = rows(K, begin, end), v = rows(V, begin, end);   // (keys, 2)
    const Tensor S = t::mul(t::matmul(Q, t::transpose(k)), kScale);  // (3, keys)
    const Tensor P = t::exp(t::sub(S, L));                           // the final weights, at once
    const Tensor dP = t::matmul(dO, t::transpose(v));                // (3, keys)
    const Tensor dS = t::mul(t::mul(P, t::sub(dP, delta)), kScale);  // (3, keys)
    dQ = t::add(dQ, t::matmul(dS, k));                               // (3, 2)
    rows(dK, begin, end).copy_(t::matmul(t::transpose(dS), Q));      // copy_ writes into dK itself
    rows(dV, begin, end).copy_(t::matmul(t::transpose(P), dO));
  }
  show("dQ", "the sum over both blocks", dQ);
  show("dK", "block 2 above block 1", dK);
  show("dV", "block 2 above block 1", dV);
  expect("dQ", dQ, {.0177, .0036, .0004, .0197, .0176, -.0165});
  expect("dK", dK, {.1096, .0840, -.1093, -.0901, -.0003, .0060});
  expect("dV", dV, {.7642, -.0047, .6125, .0000, .6233, .0046});
  say("Each is what chapter 8 found. More is computed than there, the scores twice; yet on a real "
      "machine it is faster, as a block stays in the cache and the T x T matrix does not.");
  return {dQ, dK, dV};
}

// 8. The library's
void the_library(const Tensor& O, const std::vector<Tensor>& gradients) {
  section(8, "The library's, and a longer sequence");
  say("autograd/attention.cpp has it as one operation, attention(Q, K, V). It names its "
      "definition, the plain formula, and is tested against it; so here.");
  std::vector<Variable> leaves;
  for (const Tensor& x : {Q, K, V}) leaves.push_back(qkv::autograd::parameter(x.clone()));
  const Variable fused = qkv::autograd::attention(leaves[0], leaves[1], leaves[2]);
  backward(fused, dO);
  expect("the fused output is that by hand", same(fused.value(), O));
  for (size_t i = 0; i < 3; ++i) {
    expect("the fused gradients are those by hand", same(leaves[i].grad().value(), gradients[i]));
  }
  qkv::lib::Generator generator(18);
  std::vector<Tensor> x;  // of 200 tokens: two tiles of keys, four of queries
  for (int i = 0; i < 3; ++i) x.push_back(t::normal({200, 8}, 0, 1, generator, Dtype::float64));
  const Variable definition =
      qkv::nn::scaled_dot_product_attention(x[0], x[1], x[2], {}, /*need_weights=*/true).output;
  const Variable tiles =
      qkv::nn::scaled_dot_product_attention(x[0], x[1], x[2], {}, /*need_weights=*/false).output;
  expect("200 tokens by tiles are 200 tokens by formula", same(definition.value(), tiles.value()));
  say("Output and gradients of the three tokens agree to twelve decimals, and so do the outputs "
      "of 200 random tokens, by the formula and by tiles. Layers use it whenever nobody asks to "
      "see the weights: need_weights = false in nn/attention.h. A map of who looked at whom costs "
      "the T x T matrix, because it is that matrix.");
  try_this(
      "Leave out the factor a in take_in where it multiplies o, but not where it multiplies "
      "l: the first block's values get too much weight, and `expect` stops the chapter at O.");
}

void chapter() {
  the_matrix();
  one_pass(three_passes());
  const Running end = block_by_block();
  const Tensor O = t::div(end.o, end.l);
  const Tensor L = one_number_per_query(end);
  the_library(O, backward_by_blocks(L, row_average(O)));
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
