// Chapter 10. Score functions: five ways to say how well a query matches a key.
//
// One query and three keys of width 2, by hand. All that differs from one kind of attention to
// another is the number per key that goes into softmax; nn/score_attention.h has the five.
#include <cmath>

#include "examples/chapter.h"
#include "nn/score_attention.h"
#include "tensor/elementwise.h"
#include "tensor/index.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"
#include "tensor/softmax.h"
#include "tensor/views.h"

using namespace qkv::examples;
using qkv::tensor::Tensor;
namespace t = qkv::tensor;
namespace nn = qkv::nn;

namespace {

const Tensor q = Tensor::of<double>({1, 2}, {2});
const Tensor K = Tensor::of<double>({1, 0, 0, 1, 2, 1}, {3, 2});    // a row for each key
const Tensor V = Tensor::of<double>({10, 0, 0, 10, 5, 5}, {3, 2});  // and one for its value

// What a network would learn, set by hand here: W of general, the others of additive and concat.
const Tensor W = Tensor::of<double>({0, 1, 1, 0}, {2, 2});
const Tensor Wq = Tensor::of<double>({.5, 0, 0, .5}, {2, 2});
const Tensor Wk = Tensor::of<double>({.5, 0, 0, -.5}, {2, 2});
const Tensor v = Tensor::of<double>({1, 2}, {2});

// 1. One query, three keys
void vectors() {
  section(1, "One query, three keys");
  say("A query meets three keys, and an attention gives each key one number: its score. The rest "
      "is the same for all kinds: softmax makes weights of the scores, and the output is the "
      "average of the values with these weights.");
  formula("output = sum_j softmax(scores)_j V_j,  scores_j = score(q, K_j)");
  show("q", "the query", q);
  show("K", "the keys, one in each row", K);
  show("V", "their values", V);
}

// 2. Dot, and scaled dot
Tensor products() {
  section(2, "Dot, and scaled dot: nothing to learn");
  say("How far do the two point the same way? Multiply number by number, and add: the third key "
      "gets 1 * 2 + 2 * 1 = 4.");
  formula("score(q, k) = q . k");
  const Tensor dot = t::matmul(K, q);  // (3, 2) x (2) -> (3)
  show("dot", "K q", dot);
  expect("dot", dot, {1, 2, 4});
  say("The same, kept to one size at every width D: chapter 9 has the reason. Transformers, "
      "chapter 17's networks, score like this (Vaswani et al. 2017).");
  formula("score(q, k) = q . k / sqrt(D)");
  const Tensor scaled = t::mul(dot, 1 / std::sqrt(2.0));  // (3)
  show("scaled", "K q / sqrt(2)", scaled);
  expect("scaled dot", scaled, {.7071, 1.4142, 2.8284});

  // 3. General
  section(3, "General: a learned table of what goes with what");
  say("A matrix W is learned: W_ij is how much it counts that the query has much of i and the key "
      "much of j. This W compares q_1 with k_2, and q_2 with k_1. If W is the identity, 1 where i "
      "= j and else 0, we have dot again; if W is not square, queries and keys may differ in "
      "width. Dot and general are called multiplicative attention (Luong et al. 2015).");
  formula("score(q, k) = q^T W k = sum_ij q_i W_ij k_j");
  show("W", "learned, here set by hand", W);
  const Tensor translated = t::matmul(q, W);        // (2)
  const Tensor general = t::matmul(K, translated);  // (3)
  show("q W", "the query translated", translated);
  show("general", "K (q W)", general);
  expect("general", general, {2, 1, 5});
  return t::stack({dot, scaled, general}, 0);  // (3, 3)  a row for each
}

Tensor sums(const Tensor& keys) {  // Wq q + Wk k, a row for each key: (3, 2) -> (3, 2)
  return t::add(t::matmul(Wq, q), t::matmul(keys, t::transpose(Wk)));
}
Tensor additive(const Tensor& keys) { return t::matmul(t::tanh(sums(keys)), v); }  // -> (3)

// 4. Additive, and concat
Tensor networks() {
  section(4, "Additive, and concat: a small network looks at both");
  say("The oldest of the five (Bahdanau et al. 2015). Query and key are each translated and "
      "added.");
  formula("score(q, k) = v^T tanh(Wq q + Wk k)");
  say("Here tanh presses every number between -1 and 1; v^T, the dot product with v, adds them up: "
      "a feed-forward network, straight from input to output, with one hidden layer between, of "
      "two numbers. Our Wq halves the query; Wk halves the key and turns the sign of its second "
      "number; v = [1, 2]. Key 1 gets 1 * 0.7616 + 2 * 0.7616 = 2.2848.");
  show("sums", "Wq q + Wk k, a row for each key", sums(K));
  show("hidden", "tanh(sums)", t::tanh(sums(K)));
  show("additive", "hidden v", additive(K));
  expect("hidden", t::tanh(sums(K)), {.7616, .7616, .4621, .4621, .9051, .4621});
  expect("additive", additive(K), {2.2848, 1.3864, 1.8294});
  say("Luong's concat writes q and then k as one vector [q; k]. With Wq and Wk side by side as its "
      "W, W [q; k] is Wq q + Wk k: two names for one function.");
  formula("score(q, k) = v^T tanh(W [q; k])");
  const Tensor both = t::concat({Wq, Wk}, 1);                    // (2, 4)  end to end
  const Tensor pairs = t::concat({t::expand(q, {3, 2}), K}, 1);  // (3, 4)
  const Tensor concat = t::matmul(t::tanh(t::matmul(pairs, t::transpose(both))), v);
  show("concat", "tanh([q; k] W^T) v", concat);
  expect("concat", concat, additive(K).to_vector());
  return t::stack({additive(K), concat}, 0);  // (2, 3)
}

// 5. Side by side
void side_by_side(const Tensor& scores) {  // (5, 3): a row for each kind
  section(5, "Side by side");
  const Tensor weights = t::softmax(scores, -1);  // (5, 3)
  map("the weights that the query gives, by each of the five scores", weights,
      {"dot", "scaled", "general", "additive", "concat"}, {"key 1", "key 2", "key 3"});
  show("weights", "softmax(scores)", weights);
  show("outputs", "weights V", t::matmul(weights, V));
  say("Additive and concat prefer the first key, the others the third: which one wins depends on "
      "what was learned, and that is the point of learning it.");
  expect("the winners, from 0", t::argmax(weights, 1), {2, 2, 2, 0, 0});
  const auto one = [](const Tensor& x) { return t::unsqueeze(x, 0); };   // many at once: here 1
  const auto library = nn::attention(one(q), one(K), one(V), {}, true);  // all keys; scaled
  expect("nn::attention", library.weights.value(), t::select(weights, 0, 1).to_vector());
}

// 6. What the choice costs
void differences() {
  section(6, "What the choice costs");
  say("Make the keys ten times as long. Products grow with them, and dot puts all its weight on "
      "one key; the additive score stays between -3 and 3, for 3 is |v_1| + |v_2|. So it needs no "
      "1/sqrt(D).");
  const Tensor longer = t::mul(K, 10), hard = t::softmax(t::matmul(longer, q), -1);
  show("dot", "softmax(10 K q)", hard);
  show("additive", "v^T tanh(Wq q + 10 Wk k)", additive(longer));
  expect("|v_1| + |v_2|", t::sum(t::abs(v)).item(), 3);
  expect("dot of long keys", hard, {0, 0, 1});
  expect("additive of long keys", additive(longer), {2.5232, -1.5365, -.9987});
  say("The price is a hidden vector for every pair of query and key, where a product has a single "
      "number. So products are faster and need less memory; but only with 1/sqrt(D) do they keep "
      "up with the network at large D (Vaswani et al. 2017, section 3.2.1).");
  try_this(
      "Set v to zero. Section 4 then shows an additive score of 0 for every key, and expect() "
      "stops the chapter there. Softmax would make 1/3 of each, whatever the query.");
  say("Your turn: ./qkv exercise 10 (the additive score).");
}

void chapter() { vectors(), side_by_side(t::concat({products(), networks()}, 0)), differences(); }

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
