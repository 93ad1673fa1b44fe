// Chapter 14. Many heads: several small attentions side by side, each with a map of its own.
//
// T = 3 tokens of width C = 8 and H = 4 heads, so each head has D = C / H = 2 columns. The layer of
// the library is MultiHeadAttention in nn/attention.h (Vaswani et al. 2017, section 3.2.2).
#include <cmath>

#include "examples/chapter.h"
#include "lib/text.h"
#include "nn/attention.h"
#include "tensor/elementwise.h"
#include "tensor/index.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"
#include "tensor/softmax.h"
#include "tensor/views.h"

using namespace qkv::examples;
using qkv::lib::str;
using qkv::nn::MultiHeadAttention;
using qkv::tensor::Dtype;
using qkv::tensor::Tensor;

namespace {

namespace t = qkv::tensor;

constexpr int64_t H = 4, D = 2;
const Tensor X = Tensor::of<double>(
    {1, 0, 2, -1, 0, 1, 1, 0, 0, 2, -1, 1, 1, 0, 0, 1, 2, 1, 0, 0, -1, 1, 0, 2}, {3, 8});
const Tensor x = t::unsqueeze(X, 0);  // (1, T, C): a batch of one, as layers want it

// 1. One head takes one average
void one_average() {
  section(1, "One head takes one average");
  say("Suppose the middle one of three tokens needs both of its neighbours. A single head can put "
      "half of its weight on each, and then the average has forgotten which of them came first: "
      "2 7 5 and 5 7 2 give the same. Two heads keep them apart, side by side.");
  const Tensor V = Tensor::of<double>({2, 5, 7, 7, 5, 2}, {3, 2});  // a column for each sentence
  const Tensor A = Tensor::of<double>({.5, 0, .5, 1, 0, 0, 0, 0, 1}, {3, 3});
  show("A", "the only head; the first of two; the second of two", A);
  show("A V", "what each gets of 2 7 5, and of 5 7 2", t::matmul(A, V));
  expect("A V", t::matmul(A, V), {3.5, 3.5, 2, 5, 5, 2});
}

// x (H, T, D) as a line for each token, with a pair of columns for each head.
std::string drawn(const Tensor& heads) {
  std::string picture = "            head 1   head 2   head 3   head 4\n";
  for (int64_t token = 0; token < 3; ++token) {
    picture += str("  token ", token + 1);
    for (int64_t h = 0; h < H; ++h) {
      picture += str("    ", heads.at({h, token, 0}), " ", heads.at({h, token, 1}));
    }
    picture += "\n";
  }
  return picture;
}

// 2. The split
void the_split() {
  section(2, "The split: columns dealt out to heads");
  say("Heads need no wider layer: its C columns are dealt out, D = C / H to each head. To see "
      "where they go, let row t, column c hold 10 t + c.");
  formula("x_(h, t, d) = x_(t, h D + d)");
  const Tensor rows = Tensor::of<double>({10, 20, 30}, {3, 1});
  const Tensor wide = t::add(rows, t::arange(8, Dtype::float64));        // (T, C)
  const Tensor heads = t::transpose(t::reshape(wide, {3, H, D}), 0, 1);  // (H, T, D)
  draw(drawn(heads));
  say("No number is moved: (3, 8) is seen as (3, 4, 2), then the first two axes are exchanged. In "
      "memory the next head is 2 steps away, the next token 8: a view, as in chapter 1.");
  expect("the split is a view", heads.shares_storage_with(wide));
  expect("with these strides", heads.strides() == t::Strides{2, 8, 1});
  say("The well-known slip is to reshape (3, 8) to (4, 3, 2) at once. The shape is right and the "
      "numbers are not: all of head 1 is token 1, cut into three.");
  const Tensor wrong = t::reshape(wide, {H, 3, D});
  draw(drawn(wrong));
  expect("right head 1", t::select(heads, 0, 0), {10, 11, 20, 21, 30, 31});
  expect("wrong head 1", t::select(wrong, 0, 0), {10, 11, 12, 13, 14, 15});
}

// Chapter 8 again, with the D rows of each weight that belong to head h: {weights, output}. (A
// Linear of nn/layers.h computes x W^T + b; its weight is (out, in), and b is 0 at first.)
std::pair<Tensor, Tensor> single_head(const MultiHeadAttention& layer, int64_t h) {
  const auto projected = [h](const qkv::nn::Linear& linear) {
    const Tensor W = t::slice(linear.weight.value(), 0, h * D, h * D + D);  // (D, C)
    return t::matmul(X, t::transpose(W));                                   // (T, D)
  };
  const Tensor Q = projected(layer.query), K = projected(layer.key), V = projected(layer.value);
  const Tensor Z = t::mul(t::matmul(Q, t::transpose(K)), 1 / std::sqrt(2.0));  // (T, T)
  const Tensor A = t::softmax(Z, -1);                                          // (T, T)
  return {A, t::matmul(A, V)};                                                 // (T, T), (T, D)
}

bool same_bits(const Tensor& a, const Tensor& b) { return t::all(t::equal(a, b)); }

// 3. One layer with four heads, or four runs with one
std::vector<Tensor> four_heads(const MultiHeadAttention& layer) {
  section(3, "One layer with four heads, or four runs with one");
  say("The layer projects once, splits, and attends in all heads at once. Beside it, four single "
      "heads one after the other, each with 2 of the 8 rows of the same random weights. Nothing "
      "differs, not even the last bit: no head ever sees another.");
  show("X", "three tokens of width 8", X);
  const auto Q = layer.queries(x);                                       // (1, H, T, D)
  const auto [K, V] = layer.keys_and_values(x, x);                       // (1, H, T, D)
  const auto together = qkv::nn::scaled_dot_product_attention(Q, K, V);  // all heads
  const Tensor all_weights = t::squeeze(together.weights.value(), 0);    // (H, T, T)
  const Tensor all_outputs = t::squeeze(together.output.value(), 0);     // (H, T, D)
  std::vector<Tensor> weights, outputs;
  for (int64_t h = 0; h < H; ++h) {
    const auto [A, O] = single_head(layer, h);
    expect("the weights are the same", same_bits(A, t::select(all_weights, 0, h)));
    expect("the outputs are the same", same_bits(O, t::select(all_outputs, 0, h)));
    weights.push_back(A), outputs.push_back(O);
  }
  show("O_1", "what head 1 puts out, either way", outputs[0]);

  // 4. Every head has its own map
  section(4, "Every head has its own map");
  say("That is what heads are for: several patterns of attention in parallel. These come from "
      "random weights and mean nothing yet; but they are four, not one.");
  const std::vector<std::string> labels = {"t1", "t2", "t3"};
  for (size_t h = 0; h < weights.size(); ++h) map(str("head ", h + 1), weights[h], labels, labels);
  map("the mean of the four", t::mean(t::stack(weights, 0), {0}), labels, labels);
  say("The mean is the map of no head. So the library returns weights as (B, H, Tq, Tk), and never "
      "averages them unasked.");
  return outputs;
}

// 5. Joined, and projected once more
void joined(const MultiHeadAttention& layer, const std::vector<Tensor>& outputs) {
  section(5, "Joined, and projected once more");
  say("The outputs are put side by side, (3, 8) again, and a last linear layer mixes the columns. "
      "Each head has 2 columns of Wo to itself, so it writes a (3, 8) of its own, and the layer's "
      "output is their sum.");
  formula("O = concat(O_1, O_2, O_3, O_4) Wo^T = sum_h O_h Wo_h^T");
  const Tensor Wo = layer.out.weight.value();                           // (C, C)
  const Tensor O = t::matmul(t::concat(outputs, 1), t::transpose(Wo));  // (T, C)
  show("O", "concat(O_1, O_2, O_3, O_4) Wo^T", O);
  expect("this is the layer", same_bits(layer.forward(x, x, x).output.value(), t::unsqueeze(O, 0)));
  Tensor total = t::zeros({3, 8}, Dtype::float64);
  for (size_t h = 0; h < outputs.size(); ++h) {
    const int64_t from = static_cast<int64_t>(h) * D;
    const Tensor Wo_h = t::slice(Wo, 1, from, from + D);               // (C, D)
    total = t::add(total, t::matmul(outputs[h], t::transpose(Wo_h)));  // (T, C)
  }
  expect("the sum over heads", total, O.to_vector());
  say("That is the layer's output, to the bit. And heads cost no weights: with 1, 2, 4 or 8 of "
      "them a layer of width 8 has 288, 4 times (8 * 8 + 8). More of them are narrower; what grows "
      "is the number of maps.");
  for (const int64_t number : {1, 2, 4, 8}) {
    qkv::lib::Generator generator(14);
    expect("288 weights", MultiHeadAttention(8, number, generator).parameter_count() == 288);
  }
  try_this(
      "Set columns 5 and 6 of layer.out.weight, those of head 3, to zero. Map 3 stays what it "
      "was, and the output no longer depends on it: so one asks whether a trained model "
      "misses a head. And ask for 3 heads of 8 columns: the layer refuses, and says why.");
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
