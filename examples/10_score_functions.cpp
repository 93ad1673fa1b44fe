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
  say("A query meets three keys, and an attention gives each key one number: its score. What "
      "follows is the same for all kinds: softmax makes weights of the scores, and the output is "
      "the average of the values with these weights.");
  formula("output = sum_j softmax(scores)_j V_j,  scores_j = score(q, K_j)");
  show("q", "the query", q);
  show("K", "the keys, one in each row", K);
  show("V", "their values", V);
}

// 2. Dot, and scaled dot
std::vector<Tensor> products() {
  section(2, "Dot, and scaled dot: nothing to learn");
  formula("score(q, k) = q . k");
  say("How far do the two point the same way? Multiply number by number, and add: the third key "
      "gets 1 * 2 + 2 * 1 = 4.");
  const Tensor dot = t::matmul(K, q);  // (3, 2) x (2) -> (3)
  show("dot", "K q", dot);
  expect("dot", dot, {1, 2, 4});
  formula("score(q, k) = q . k / sqrt(D)");
  say("The same, of one size at every width D: chapter 9 has the reason. Transformers score like "
      "this (Vaswani et al. 2017).");
  const Tensor scaled = t::mul(dot, 1 / std::sqrt(2.0));  // (3)
  show("scaled", "K q / sqrt(2)", scaled);
  expect("scaled dot", scaled, {.7071, 1.4142, 2.8284});
  return {dot, scaled};
}

// 3. General
Tensor learned_product() {
  section(3, "General: a learned table of what goes with what");
  formula("score(q, k) = q^T W k = sum_ij q_i W_ij k_j");
  say("W_ij is how much it counts that the query has much of i and the key much of j. This W "
      "compares q_1 with k_2, and q_2 with k_1. If W is the identity, we have dot again; if W is "
      "not square, queries and keys may differ in width. Dot and general are called multiplicative "
      "attention (Luong et al. 2015).");
  show("W", "learned, here set by hand", W);
  const Tensor seen = t::matmul(q, W);        // (2): the query as the keys see it
  const Tensor general = t::matmul(K, seen);  // (3)
  show("q W", "the query translated", seen);
  show("general", "K (q W)", general);
  expect("q W", seen, {2, 1});
  expect("general", general, {2, 1, 5});
  return general;
}

Tensor additive(const Tensor& keys) {  // (3, 2) -> (3)
  return t::matmul(t::tanh(t::add(t::matmul(Wq, q), t::matmul(keys, t::transpose(Wk)))), v);
}

// 4. Additive, and concat
std::vector<Tensor> networks() {
  section(4, "Additive, and concat: a small network looks at both");
  formula("score(q, k) = v^T tanh(Wq q + Wk k)");
  say("The oldest of the five (Bahdanau et al. 2015). Query and key are each translated and added; "
      "tanh presses every number between -1 and 1; v adds them up: a feed-forward network with one "
      "hidden layer, here of two numbers.");
  const Tensor sums = t::add(t::matmul(Wq, q), t::matmul(K, t::transpose(Wk)));  // (3, 2)
  show("Wq", "given", Wq);
  show("Wk", "given", Wk);
  show("v", "given", v);
  show("sums", "Wq q + Wk k, a row for each key", sums);
  show("hidden", "tanh(sums)", t::tanh(sums));
  show("additive", "hidden v", additive(K));
  say("The first key gets 1 * 0.7616 + 2 * 0.7616 = 2.2848.");
  expect("sums", sums, {1, 1, .5, .5, 1.5, .5});
  expect("hidden", t::tanh(sums), {.7616, .7616, .4621, .4621, .9051, .4621});
  expect("additive", additive(K), {2.2848, 1.3864, 1.8294});
  formula("score(q, k) = v^T tanh(W [q; k])");
  say("Luong's concat writes q and then k as one vector [q; k]. With Wq and Wk side by side as its "
      "W, W [q; k] is Wq q + Wk k: two names for one function.");
  const Tensor both = t::concat({Wq, Wk}, 1);                    // (2, 4)
  const Tensor pairs = t::concat({t::expand(q, {3, 2}), K}, 1);  // (3, 4)
  const Tensor concat = t::matmul(t::tanh(t::matmul(pairs, t::transpose(both))), v);
  show("concat", "tanh([q; k] W^T) v", concat);
  expect("concat", concat, additive(K).to_vector());
  return {additive(K), concat};
}

// 5. Side by side
void side_by_side(const std::vector<Tensor>& scores) {
  section(5, "Side by side");
  const Tensor weights = t::softmax(t::stack(scores, 0), -1);  // (5, 3): a row for each kind
  map("the weights that one query gives to three keys", weights,
      {"dot", "scaled", "general", "additive", "concat"}, {"key 1", "key 2", "key 3"});
  show("weights", "softmax(scores)", weights);
  show("outputs", "weights V", t::matmul(weights, V));

  // The modules of the library draw W at random; two of them are given ours, in place of learning.
  // Each takes a batch, here of one: query (1, 2), keys and values (1, 3, 2).
  qkv::lib::Generator generator(1);
  nn::GeneralAttention general(2, 2, generator);
  nn::AdditiveAttention network(2, 2, 2, generator);
  general.weight = W;
  network.query_weight = Wq, network.key_weight = Wk, network.v = v;
  const Tensor query = t::unsqueeze(q, 0), keys = t::unsqueeze(K, 0), values = t::unsqueeze(V, 0);
  expect("nn::GeneralAttention", general.forward(query, keys, values).weights.value(),
         t::select(weights, 0, 2).to_vector());
  expect("nn::AdditiveAttention", network.forward(query, keys, values).weights.value(),
         t::select(weights, 0, 3).to_vector());
  say("nn::GeneralAttention and nn::AdditiveAttention, given the same matrices, find the same "
      "weights. Additive prefers the first key, the others the third: which one wins depends on "
      "what was learned, and that is the point of learning it.");
  expect("additive prefers key 1", weights.at({3, 0}) > weights.at({3, 2}));
  expect("dot prefers key 3", weights.at({0, 2}) > weights.at({0, 0}));
}

// 6. Two differences that matter
void differences() {
  section(6, "Two differences that matter");
  say("Make the keys ten times as long. Products grow with them, and dot puts all its weight on "
      "one key; the additive score stays between -3 and 3, for 3 is the sum of |v|. So it needs no "
      "1/sqrt(D).");
  const Tensor longer = t::mul(K, 10), hard = t::softmax(t::matmul(longer, q), -1);
  show("dot", "softmax(10 K q)", hard);
  show("additive", "v^T tanh(Wq q + 10 Wk k)", additive(longer));
  expect("the sum of |v|", t::sum(t::abs(v)).item(), 3);
  expect("dot of long keys", hard, {0, 0, 1});
  expect("additive of long keys", additive(longer), {2.5232, -1.5365, -.9987});
  say("And a product is a straight line in k. Of three keys 1, 2, 3 of width 1, a query gives the "
      "most to one end or the other, never to the middle. A network can have a hill there: with v "
      "= [1, -1], Wq q = [-1.5, -2.5] and Wk = [1, 1],");
  formula("score(k) = tanh(k - 1.5) - tanh(k - 2.5)");
  const Tensor k = Tensor::of<double>({1, 2, 3}, {3});
  const Tensor hill = t::sub(t::tanh(t::add(k, -1.5)), t::tanh(t::add(k, -2.5)));  // (3)
  show("hill", "the scores of 1, 2, 3", hill);
  expect("hill", hill, {.4430, .9242, .4430});
  say("The price is a hidden vector for every pair of query and key, where a product has one "
      "number, and one matrix product has all of them. So products are faster and need less "
      "memory; but only with 1/sqrt(D) do they keep up with the network at large D (Vaswani et al. "
      "2017, section 3.2.1).");
}

// 7. The whole of it, for a batch
void whole() {
  section(7, "The whole of it, for a batch");
  say("One query for each of B sequences: query (B, H), keys and values (B, T, H), where H is the "
      "width. A new axis makes a query a matrix of one row, and one matrix product for each "
      "sequence does it. Our sequence is the first; the second has the query turned round.");
  const Tensor query = Tensor::of<double>({1, 2, 2, 1}, {2, 2});                // (B, H)
  const Tensor keys = t::stack({K, K}, 0), values = t::stack({V, V}, 0);        // (B, T, H)
  const Tensor scores = t::matmul(t::unsqueeze(query, 1), t::transpose(keys));  // (B, 1, T)
  const Tensor weights = t::softmax(scores, -1);                                // (B, 1, T)
  const Tensor output = t::squeeze(t::matmul(weights, values), 1);              // (B, H)
  show("weights", "softmax(query keys^T)", t::squeeze(weights, 1));
  show("output", "weights values", output);
  const nn::AttentionOutput same = nn::attention(query, keys, values);
  expect("the library's weights", same.weights.value(), weights.to_vector());
  expect("the library's output", same.output.value(), output.to_vector());
  say("nn::attention(query, keys, values) is this function. It is often printed like this beside "
      "an explanation of 1/sqrt(D) that the code then leaves out: nothing fails, the weights are "
      "only harder than they were meant to be. Ours divides if scaled = true:");
  const Tensor softer = nn::attention(query, keys, values, {}, true).weights.value();  // (B, T)
  show("weights", "softmax(query keys^T / sqrt(2))", softer);
  expect("scaled", t::select(softer, 0, 0),
         t::softmax(t::mul(t::matmul(K, q), std::sqrt(.5)), -1).to_vector());
  try_this(
      "Set v to zero. Every additive score is 0 and every weight 1/3, whatever the query. v "
      "still gets a gradient, Wq and Wk get none until v has moved.");
}

void chapter() {
  vectors();
  std::vector<Tensor> scores = products();
  scores.push_back(learned_product());
  for (const Tensor& more : networks()) scores.push_back(more);
  side_by_side(scores);
  differences();
  whole();
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
