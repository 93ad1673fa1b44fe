// Chapter 14. Many heads: several small attentions side by side, each with a map of its own.
//
// T = 3 tokens of width C = 8 and H = 4 heads, so each head has D = C / H = 2 columns. The layer of
// the library is MultiHeadAttention in nn/attention.h (Vaswani et al. 2017, section 3.2.2).
#include <cmath>

#include "examples/chapter.h"
#include "lib/text.h"
#include "nn/attention.h"
#include "tensor/elementwise.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"
#include "tensor/softmax.h"
#include "tensor/views.h"

using namespace qkv::examples;
using qkv::lib::str;
using qkv::nn::MultiHeadAttention;
using qkv::tensor::Dtype;
using qkv::tensor::Tensor;
namespace t = qkv::tensor;

namespace {

constexpr int64_t H = 4, D = 2;
const Tensor X = Tensor::of<double>(
    {1, 0, 2, -1, 0, 1, 1, 0, 0, 2, -1, 1, 1, 0, 0, 1, 2, 1, 0, 0, -1, 1, 0, 2}, {3, 8});
const Tensor x = t::unsqueeze(X, 0);  // (1, T, C): a batch of one, as layers want it

// 1. One head takes one average
void one_average() {
  section(1, "One head takes one average");
  say("A head is one attention. If the middle one of three tokens needs both neighbours, it can "
      "give half of its weight to each; then 2 7 5 and 5 7 2 are the same. Two heads can tell.");
  const Tensor V = Tensor::of<double>({2, 5, 7, 7, 5, 2}, {3, 2});  // a column for each sentence
  const Tensor A = Tensor::of<double>({.5, 0, .5, 1, 0, 0, 0, 0, 1}, {3, 3});
  show("A", "the only head; the first of two; the second of two", A);
  show("A V", "what each gets of 2 7 5, and of 5 7 2", t::matmul(A, V));
  expect("A V", t::matmul(A, V), {3.5, 3.5, 2, 5, 5, 2});
}

// Heads (H, T, D): a line for each token, with a pair of columns for each head.
void draw_heads(const Tensor& heads) {
  std::vector<std::vector<std::string>> rows = {{"", "head 1", "head 2", "head 3", "head 4"}};
  for (int64_t token = 0; token < 3; ++token) {
    rows.push_back({str("token ", token + 1)});
    for (int64_t h = 0; h < H; ++h) {
      rows.back().push_back(str(heads.at({h, token, 0}), " ", heads.at({h, token, 1})));
    }
  }
  table(rows);
}

// 2. The split
void the_split() {
  section(2, "The split: columns dealt out to heads");
  say("H heads need no wider token: its C columns are dealt out, D = C / H to each head. To see "
      "where they go, let token t hold 10 t + c in column c, counted from 0 (h and d, too).");
  formula("x_(h, t, d) = x_(t, h D + d)");
  const Tensor rows = Tensor::of<double>({10, 20, 30}, {3, 1});
  const Tensor wide = t::add(rows, t::arange(8, Dtype::float64));        // (T, C)
  const Tensor heads = t::transpose(t::reshape(wide, {3, H, D}), 0, 1);  // (H, T, D)
  draw_heads(heads);
  expect("a view", heads.shares_storage_with(wide) && heads.strides() == t::Strides{2, 8, 1});
  say("No number is moved: (3, 8) is seen as (3, 4, 2), then two axes are exchanged, a view. The "
      "usual slip, to reshape to (4, 3, 2) at once, has the right shape, but head 1 is token 1:");
  draw_heads(t::reshape(wide, {H, 3, D}));
  expect("wrong head 1", t::select(t::reshape(wide, {H, 3, D}), 0, 0), {10, 11, 12, 13, 14, 15});
}

// Chapter 8 again, with the D rows of each weight that belong to head h: {weights, output}. (A
// Linear of nn/layers.h computes x W^T + b; its weight is (out, in), and b is 0 at first.)
std::pair<Tensor, Tensor> single_head(const MultiHeadAttention& layer, int64_t h) {
  const auto projected = [h](const qkv::nn::Linear& linear) {
    const Tensor W = t::slice(linear.weight.value(), 0, h * D, h * D + D);  // (D, C)
    return t::matmul(X, t::transpose(W));                                   // (T, D)
  };
  const Tensor Q = projected(layer.query), K = projected(layer.key), V = projected(layer.value);
  const Tensor A = t::softmax(t::mul(t::matmul(Q, t::transpose(K)), 1 / std::sqrt(2.0)), -1);
  return {A, t::matmul(A, V)};  // (T, T), (T, D)
}

bool same_bits(const Tensor& a, const Tensor& b) { return t::all(t::equal(a, b)); }

// 3. One layer with four heads, or four runs with one
Tensor four_heads(const MultiHeadAttention& layer) {
  section(3, "One layer with four heads, or four runs with one");
  say("A layer is a piece of a network with weights of its own. This one makes Q, K, V, splits "
      "them, and attends in all heads at once. Four single heads, each with 2 of the 8 rows of the "
      "same random weights, give the same, to the last bit.");
  show("X", "three tokens of width 8", X);
  const auto Q = layer.queries(x);                                       // (1, H, T, D)
  const auto [K, V] = layer.keys_and_values(x, x);                       // (1, H, T, D)
  const auto together = qkv::nn::scaled_dot_product_attention(Q, K, V);  // all heads
  const Tensor weights = t::squeeze(together.weights.value(), 0);        // (H, T, T)
  const Tensor outputs = t::squeeze(together.output.value(), 0);         // (H, T, D)
  for (int64_t h = 0; h < H; ++h) {
    const auto [A, O] = single_head(layer, h);
    expect("the weights are the same", same_bits(A, t::select(weights, 0, h)));
    expect("the outputs are the same", same_bits(O, t::select(outputs, 0, h)));
  }
  show("O_1", "what head 1 puts out, either way", t::select(outputs, 0, 0));
  // 4. Every head has its own map
  section(4, "Every head has its own map");
  say("These come from random weights and mean nothing yet; but they are four, not one.");
  const std::vector<std::string> labels = {"t1", "t2", "t3"};
  for (int64_t h = 0; h < H; ++h)
    map(str("head ", h + 1), t::select(weights, 0, h), labels, labels);
  map("the mean of the four", t::mean(weights, {0}), labels, labels);
  say("The mean is no head's map. So the library never averages: its weights are (B, H, Tq, Tk): "
      "batch, head, query, key.");
  return outputs;
}

// 5. Joined, and projected once more
void joined(const MultiHeadAttention& layer, const Tensor& outputs) {
  section(5, "Joined, and projected once more");
  say("Put side by side, (3, 8) again, the outputs go through a linear layer, times Wo, plus b (at "
      "first 0). Each head has 2 columns of Wo to itself; their (3, 8) are summed.");
  formula("O = concat(O_1, O_2, O_3, O_4) Wo^T = sum_h O_h Wo_h^T");
  const Tensor Wo = layer.out.weight.value();                                       // (C, C)
  const Tensor side_by_side = t::reshape(t::transpose(outputs, 0, 1), {3, H * D});  // (T, C)
  const Tensor O = t::matmul(side_by_side, t::transpose(Wo));                       // (T, C)
  show("O", "concat(O_1, O_2, O_3, O_4) Wo^T", O);
  expect("this is the layer", same_bits(layer.forward(x, x, x).output.value(), t::unsqueeze(O, 0)));
  Tensor total = t::zeros({3, 8}, Dtype::float64);
  for (int64_t h = 0; h < H; ++h) {
    const Tensor Wo_h = t::slice(Wo, 1, h * D, h * D + D);                           // (C, D)
    total = t::add(total, t::matmul(t::select(outputs, 0, h), t::transpose(Wo_h)));  // (T, C)
  }
  expect("the sum over heads", total, O.to_vector());
  say("It is the layer's, to the bit. Four matrices, a b for each: 4 (8 * 8 + 8) = 288 weights.");
  expect("288 weights", layer.parameter_count() == 288);
  try_this(
      "Set columns 5 and 6 of layer.out.weight, those of head 3, to zero: map 3 stays, and the "
      "output no longer depends on it. So one asks whether a trained model misses a head.");
}

void chapter() {
  one_average();
  the_split();
  qkv::lib::Generator generator(14);  // where the random weights come from
  MultiHeadAttention layer(8, H, generator);
  layer.to(Dtype::float64);
  joined(layer, four_heads(layer));
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
