// Chapter 15. Where am I: attention does not see order, and four ways to tell it.
//
// The three tokens and the weights are those of chapter 8. nn/positions.h has everything here.
#include <cmath>

#include "examples/chapter.h"
#include "nn/positions.h"
#include "tensor/attention.h"
#include "tensor/elementwise.h"
#include "tensor/index.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"
#include "tensor/softmax.h"
#include "tensor/views.h"

using namespace qkv::examples;
using qkv::tensor::Dtype, qkv::tensor::Tensor;
namespace t = qkv::tensor;

namespace {

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
Tensor flip(const Tensor& x) { return t::index_select(x, 0, Tensor::of<int64_t>({2, 1, 0}, {3})); }

bool close(const Tensor& a, const Tensor& b) {
  return t::all(t::less(t::abs(t::sub(a, b)), t::scalar(1e-12, Dtype::float64)));
}

// 1. Attention sees a set
void a_set() {
  section(1, "Attention sees a set");
  say("Let the three tokens of chapter 8 be dog, bites, man, and read them in the opposite order.");
  const Tensor O = attention(X), backwards = attention(flip(X));
  show("O", "attention(dog bites man)", O);
  show("O'", "attention(man bites dog)", backwards);
  formula("attention(R X) = R attention(X)");
  say("The rows have changed places (R), and that is all: the dog that bites and the dog that is "
      "bitten are the same two numbers. A score knows two tokens, a sum no order. (Tokens can be "
      "pieces of an image, Dosovitskiy 2021, or nodes of a graph, Velickovic 2018.)");
  expect("the rows have changed places, no more", close(backwards, flip(O)));
  // 2. Sinusoids: a pattern for each place
  section(2, "Sinusoids: a pattern for each place");
  say("So add to each token a pattern of its place: pairs of columns, sine and cosine, the hands "
      "of clocks, each slower than the last, here by 100 times (Vaswani et al. 2017).");
  formula("p_(t, 2i) = sin(t w_i)      p_(t, 2i+1) = cos(t w_i)      w_i = 10000^(-2i / C)");
  const Tensor P = qkv::nn::sinusoidal_positions(3, 4, Dtype::float64);  // (T, C)
  show("P", "sinusoids of places 0, 1, 2", P);
  expect("P", P, {0, 1, 0, 1, .8415, .5403, .0100, 1.0000, .9093, -.4161, .0200, .9998});
  const Tensor forth = attention(t::add(X, P)), back = attention(t::add(flip(X), P));  // (3, 2)
  show("dog", "row 1 of attention(dog bites man + P)", t::select(forth, 0, 0));
  show("dog", "row 3 of attention(man bites dog + P)", t::select(back, 0, 2));
  say("The two dogs differ: order is seen.");
  expect("they differ", !close(t::select(forth, 0, 0), t::select(back, 0, 2)));
}

// 3. A step is a turn
void a_step_is_a_turn() {
  section(3, "A step is a turn");
  say("Whatever the time, an hour later each hand has turned by the same angle. So one matrix M, "
      "of the numbers in P's row for place 1, moves every pattern one place on.");
  const Tensor P = qkv::nn::sinusoidal_positions(4, 4, Dtype::float64);  // (T, C)
  const double s0 = P.at({1, 0}), c0 = P.at({1, 1}), s1 = P.at({1, 2}), c1 = P.at({1, 3});
  const Tensor M =
      Tensor::of<double>({c0, -s0, 0, 0, s0, c0, 0, 0, 0, 0, c1, -s1, 0, 0, s1, c1}, {4, 4});
  show("M", "one step on", M);
  formula("p_(t+1) = p_t M      p_s p_t^T = sum_i cos((s - t) w_i)");
  expect("M moves all", close(t::matmul(t::slice(P, 0, 0, 3), M), t::slice(P, 0, 1, 4)));
  const Tensor G = t::matmul(P, t::transpose(P));  // (T, T)
  show("G", "P P^T", G);
  say("And how well two patterns match depends on how far apart they are: along each diagonal of G "
      "one number. To look one place away, a query needs one matrix: M, or its transpose.");
  expect("a diagonal", G.at({0, 1}), G.at({2, 3})), expect("next", G.at({0, 2}), G.at({1, 3}));
}

// 4. Rotary: only differences count
void rotary() {
  section(4, "Rotary: only differences count");
  say("What is added to a token stays mixed with it. Su et al. (2021) turn the queries and keys by "
      "the angle of their place instead. Turning both by the same angle changes no dot product, so "
      "a score knows the distance s - t, not s or t. R_t is the turn of place t; below, the same "
      "query (2, 0) and the same key (1, 1) stand at each of four places.");
  formula("y_1 = x_1 cos(a) - x_2 sin(a)      y_2 = x_2 cos(a) + x_1 sin(a)      a = t w_i");
  formula("(q R_s) (k R_t)^T = q R_(s-t) k^T");
  const Tensor q = t::expand(Tensor::of<double>({2, 0}, {2}), {4, 2});  // (T, D)
  const Tensor k = t::expand(Tensor::of<double>({1, 1}, {2}), {4, 2});  // (T, D)
  const auto scores = [&](int64_t first) {                              // at first, first + 1, ...
    const Tensor turned_q = qkv::nn::rotary_embedding(q, 10000, first).value();
    const Tensor turned_k = qkv::nn::rotary_embedding(k, 10000, first).value();
    return t::matmul(turned_q, t::transpose(turned_k));  // (T, T)
  };
  const Tensor S = scores(0);
  show("S", "turned q times turned k", S);
  expect("row 1", t::select(S, 0, 1), {2.7635, 2, -.6023, -2.6509});
  expect("the same further on", close(S, scores(100)));
  say("Along each diagonal one number: 2 for the key at its place, 2.7635 for the one before, "
      "-0.6023 after. At places 100 to 103 the matrix is the same. Values are not turned.");
}

// 5. ALiBi: what is far away counts less
void alibi() {
  section(5, "ALiBi: what is far away counts less");
  say("Linear biases (Press et al. 2022): a score loses the distance times its head's slope m_h.");
  formula("Z_ij = Q_i . K_j / sqrt(D) - m_h |i - j|      m_h = 2^(-8 h / H)");
  const Tensor slopes = qkv::nn::alibi_slopes(4, Dtype::float64);  // (H)
  show("m", "slopes of 4 heads", slopes);
  expect("slopes", slopes, {.25, .0625, .0156, .0039});
  const Tensor A = t::softmax(t::alibi_bias(slopes, 4, 4), -1);  // (H, T, T)
  const std::vector<std::string> places = {"0", "1", "2", "3"};
  map("head 1, were all scores 0", t::select(A, 0, 0), places, places);
  map("head 4, were all scores 0", t::select(A, 0, 3), places, places);
  say("To head 1 the next place weighs exp(-1/4) = 0.7788 of its own; head 4 hardly cares.");
  expect("the next place", A.at({0, 2, 3}) / A.at({0, 2, 2}), .7788);
  // 6. Which knows what
  section(6, "Which knows what");
  table({{"kind", "where it acts", "what a score can know of places s and t"},
         {"none", "nowhere", "nothing (but a causal mask betrays how many keys there are)"},
         {"sinusoidal", "added to the token", "s and t, in patterns that are given"},
         {"learned", "added to the token", "s and t, in patterns that are learned"},
         {"rotary", "turns queries and keys", "s - t"},
         {"alibi", "lowers scores", "|s - t|"}});
  say("Learned patterns are a table, a row for each place, trained, with nothing beyond the last. "
      "Which one does well is another question: `./qkv study positions`.");
  try_this(
      "Take {8, 2} for {4, 2} in section 4. Places 6 apart look much alike, since 6 is almost once "
      "around; slower clocks can tell. (expect() stops behind S, whose rows are longer.)");
  say("Your turn: ./qkv exercise 17 (sinusoids), 18 (rotary positions).");
}

void chapter() {
  a_set();
  a_step_is_a_turn();
  rotary();
  alibi();
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
