// Chapter 15. Where am I: attention does not see order, and four ways to tell it.
//
// The three tokens and the weights are those of chapter 8. Everything here is in nn/positions.h:
// sinusoidal_positions, LearnedPositions, rotary_embedding, alibi_slopes.
#include <cmath>

#include "examples/chapter.h"
#include "lib/text.h"
#include "nn/positions.h"
#include "tensor/attention.h"
#include "tensor/elementwise.h"
#include "tensor/index.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"
#include "tensor/softmax.h"
#include "tensor/views.h"

using namespace qkv::examples;
using qkv::tensor::Dtype;
using qkv::tensor::Tensor;

namespace {

namespace t = qkv::tensor;

const Tensor X = Tensor::of<double>({1, .5, .2, .8, .3, .9, .1, .4, .7, .2, .6, .3}, {3, 4});
const Tensor Wq = Tensor::of<double>({.5, .3, .2, .4, .1, .6, .7, .2}, {4, 2});
const Tensor Wk = Tensor::of<double>({.4, .1, .3, .5, .6, .2, .2, .4}, {4, 2});
const Tensor Wv = Tensor::of<double>({.6, .3, .2, .7, .4, .1, .3, .5}, {4, 2});

// Chapter 8 in three lines: (3, 4) -> (3, 2).
Tensor attention(const Tensor& x) {
  const Tensor Q = t::matmul(x, Wq), K = t::matmul(x, Wk), V = t::matmul(x, Wv);  // (3, 2)
  const Tensor Z = t::mul(t::matmul(Q, t::transpose(K)), 1 / std::sqrt(2.0));     // (3, 3)
  return t::matmul(t::softmax(Z, -1), V);                                         // (3, 2)
}

// The rows of a matrix in the opposite order.
Tensor reversed(const Tensor& x) {
  return t::index_select(x, 0, Tensor::of<int64_t>({2, 1, 0}, {3}));
}

bool close(const Tensor& a, const Tensor& b) {
  const Tensor apart = t::abs(t::sub(a, b));
  return t::all(t::less(apart, t::scalar(1e-12, Dtype::float64)));
}

// 1. Attention sees a set
void a_set() {
  section(1, "Attention sees a set");
  say("Let the three tokens of chapter 8 be the words dog, bites, man, and read them in the "
      "opposite order: man, bites, dog.");
  const Tensor O = attention(X), backwards = attention(reversed(X));
  show("O", "attention(dog bites man)", O);
  show("O'", "attention(man bites dog)", backwards);
  formula("attention(P X) = P attention(X)");
  say("The rows have changed places, P being any such exchange, and that is all. The dog that "
      "bites and the dog that is bitten come out as the same two numbers. A score is made of two "
      "tokens, a sum over keys has no first and no last: nothing in it knows where a token "
      "stands.");
  expect("O", O, {.8000, .8691, .7893, .8649, .7904, .8673});
  expect("the rows have changed places, no more", close(backwards, reversed(O)));
}

// 2. Sinusoids: a pattern for each place
void sinusoids() {
  section(2, "Sinusoids: a pattern for each place");
  say("So give each place a pattern of its own and add it to the token that stands there. The "
      "Transformer began with sines and cosines (Vaswani et al. 2017): pairs of columns are the "
      "hands "
      "of clocks, each slower than the one before. With width C = 4 there are two, and the second "
      "is 100 times slower.");
  formula("p_(t, 2i) = sin(t w_i)      p_(t, 2i+1) = cos(t w_i)      w_i = 10000^(-2i / C)");
  const Tensor P = qkv::nn::sinusoidal_positions(3, 4, Dtype::float64);  // (T, C)
  show("P", "sinusoids of places 0, 1, 2", P);
  expect("P", P, {0, 1, 0, 1, .8415, .5403, .0100, 1.0000, .9093, -.4161, .0200, .9998});
  const Tensor O = attention(t::add(X, P)), backwards = attention(t::add(reversed(X), P));
  show("O", "attention(dog bites man + P)", O);
  show("O'", "attention(man bites dog + P)", backwards);
  say("Now the dog of the first sentence (first row of O) and that of the second (last row of O') "
      "differ.");
  expect("order is seen", !close(t::select(O, 0, 0), t::select(backwards, 0, 2)));
}

// 3. A step is a turn
void a_step_is_a_turn() {
  section(3, "A step is a turn");
  say("Why clocks? Whatever the time, an hour later each hand has turned by the same angle. So one "
      "matrix M moves every pattern one place on. Its numbers stand in row 1 of P.");
  const Tensor P = qkv::nn::sinusoidal_positions(6, 4, Dtype::float64);  // (T, C)
  const double s0 = P.at({1, 0}), c0 = P.at({1, 1}), s1 = P.at({1, 2}), c1 = P.at({1, 3});
  const Tensor M =
      Tensor::of<double>({c0, -s0, 0, 0, s0, c0, 0, 0, 0, 0, c1, -s1, 0, 0, s1, c1}, {4, 4});
  show("M", "one step on", M);
  formula("p_(t+1) = p_t M      p_s p_t^T = sum_i cos((s - t) w_i)");
  expect("M moves all", close(t::matmul(t::slice(P, 0, 0, 5), M), t::slice(P, 0, 1, 6)));
  const Tensor G = t::matmul(P, t::transpose(P));  // (T, T)
  show("G", "P P^T", G);
  say("And how well two patterns match depends on how far apart they are: along each diagonal of G "
      "one number. To look one place away, wherever it stands, a query needs one matrix: M, or its "
      "transpose for the place before.");
  expect("the same along diagonals",
         close(t::slice(t::slice(G, 0, 0, 5), 1, 0, 5), t::slice(t::slice(G, 0, 1, 6), 1, 1, 6)));
}

// 4. Rotary: only differences count
void rotary() {
  section(4, "Rotary: only differences count");
  say("What is added to a token stays mixed with it. Su et al. (2021) add nothing: they turn the "
      "queries and keys themselves, by the angle of their place. Turning both by the same angle "
      "changes no dot product, so a score knows the distance s - t, and not s or t. With R_t, the "
      "turn "
      "of place t:");
  formula("y_1 = x_1 cos(a) - x_2 sin(a)      y_2 = x_2 cos(a) + x_1 sin(a)      a = t w_i");
  formula("(q R_s) (k R_t)^T = q R_(s-t) k^T");
  say("To see it, the same query (2, 0) and the same key (1, 1) at each of four places:");
  const Tensor q = t::expand(Tensor::of<double>({2, 0}, {2}), {4, 2});  // (T, D)
  const Tensor k = t::expand(Tensor::of<double>({1, 1}, {2}), {4, 2});  // (T, D)
  const auto scores = [&](int64_t first) {                              // at first, first + 1, ...
    const Tensor turned_q = qkv::nn::rotary_embedding(q, 10000, first).value();
    const Tensor turned_k = qkv::nn::rotary_embedding(k, 10000, first).value();
    return t::matmul(turned_q, t::transpose(turned_k));  // (T, T)
  };
  const Tensor S = scores(0);
  show("S", "turned q times turned k", S);
  expect("diagonals",
         Tensor::of<double>({S.at({0, 0}), S.at({0, 1}), S.at({1, 0}), S.at({3, 3})}, {4}),
         {2, -.6023, 2.7635, 2});
  expect("the same further on", close(S, scores(100)));
  say("Again one number along each diagonal: 2 in place, 2.7635 for the key before, -0.6023 for "
      "the key after. At places 100 to 103 the matrix is the same. Values are not turned: what is "
      "fetched need not know from where.");
}

// 5. ALiBi: what is far away counts less
void alibi() {
  section(5, "ALiBi: what is far away counts less");
  say("Press et al. (2022) leave tokens, queries and keys alone and lower each score by the "
      "distance, times a slope. Each head has its own slope, from short-sighted to far-sighted.");
  formula("Z_ij = Q_i . K_j / sqrt(D) - m_h |i - j|      m_h = 2^(-8 h / H)");
  const Tensor slopes = qkv::nn::alibi_slopes(4, Dtype::float64);  // (H)
  show("m", "slopes of 4 heads", slopes);
  expect("slopes", slopes, {.25, .0625, .0156, .0039});
  const Tensor bias = t::alibi_bias(slopes, 5, 5);  // (H, T, T)
  show("bias", "head 1", t::select(bias, 0, 0));
  say("Were all scores 0, the weights of head 1 and head 4 would be:");
  const Tensor A = t::softmax(bias, -1);  // (H, T, T)
  const std::vector<std::string> places = {"0", "1", "2", "3", "4"};
  map("head 1", t::select(A, 0, 0), places, places);
  map("head 4", t::select(A, 0, 3), places, places);
  say("To head 1 the next place weighs 0.7788 of its own, exp(-1/4); to head 4 all five are almost "
      "alike.");
  expect("the next place", A.at({0, 2, 3}) / A.at({0, 2, 2}), .7788);
}

// 6. Which knows what
void which() {
  section(6, "Which knows what");
  table({{"kind", "where it acts", "what a score can know of places s and t"},
         {"none", "nowhere", "nothing (but a causal mask betrays how many keys there are)"},
         {"sinusoidal", "added to the token", "s and t, in patterns that are given"},
         {"learned", "added to the token", "s and t, in patterns that are learned"},
         {"rotary", "turns queries and keys", "s - t"},
         {"alibi", "lowers scores", "|s - t|"}});
  say("Learned patterns are a table with a row for each place, trained like any weight; for a "
      "place beyond its last row it has nothing. The others have a formula for every place. "
      "Whether a model does well there is another question: `./qkv study positions` measures it.");
  try_this(
      "In section 4 give rotary_embedding a base of 1 and tokens of width 4: every clock then "
      "runs at the same speed, and places 6 apart look almost alike, since 6 is almost once "
      "around. The slow clocks are there to tell such places apart.");
}

void chapter() {
  a_set();
  sinusoids();
  a_step_is_a_turn();
  rotary();
  alibi();
  which();
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
