// Chapter 7. Soft lookup: from a hash table to a kernel average to attention.
//
// Attention is a smart lookup: compare a query with all keys, and let the likeness weight the
// values. Here it grows, in small steps, from one that is not smart. (nn/attention.cpp has it all.)
#include <unordered_map>

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
using qkv::autograd::Variable;
using qkv::tensor::Tensor;
namespace t = qkv::tensor;

namespace {

const Tensor ages = Tensor::of<double>({1, 2, 3, 4, 5}, {5});
const Tensor grams = Tensor::of<double>({50, 60, 55, 45, 40}, {5});

// 1. A hash table, and the nearest key
void hard_lookups() {
  section(1, "A hash table, and the nearest key");
  say("A library's catalogue leads from a subject to a shelf, as a hash table in a program does. "
      "The subjects are keys, the shelves values, and what a reader asks for is a query.");
  const std::unordered_map<std::string, int> shelf = {{"cats", 4}, {"cooking", 9}, {"gardens", 7}};
  expect("cats stand on shelf 4", shelf.at("cats") == 4 && !shelf.contains("kittens"));
  say("Cats are found on shelf 4, kittens nowhere. Kittens are cats, nearly; but a hash table "
      "knows equal and different, nothing between.");
  say("Let keys be numbers, so that they can be near: five books on cats, each for an age, its "
      "key, advise so many grams of food a day, its value. Take the one nearest your cat.");
  show("keys", "ages", ages);
  show("values", "grams", grams);
  const auto nearest = [](double q) {
    const Tensor best = t::argmax(t::neg(t::abs(t::add(ages, -q))), 0);  // the place of the largest
    return grams.at({static_cast<int64_t>(best.item())});
  };
  expect("the answer jumps", nearest(2.49) == 60 && nearest(2.51) == 55);
  say("At 2.49 years the answer is 60, at 2.51 it is 55: it stands still, then jumps. Its slope is "
      "0 wherever it has one, so no gradient can say how to ask better. (This is hard attention.)");
}

// 2. The kernel average, of Variables, so that its slope can be asked for.
Variable kernel_average(const std::vector<Variable>& in) {
  const Variable u = in[0] - Variable(ages);  // (5)  q - k_j
  const Variable K = exp(u * u * -.5);        // (5)  1 if equal, small if far
  return sum(K * Variable(grams)) / sum(K);   // ()
}

void kernel() {
  section(2, "A kernel average: every key answers, the near ones louder");
  say("Ask all the books; each counts by how near its key is: a bell curve K, called the kernel, "
      "divided by the sum so that the weights add up to 1 (Nadaraya and Watson, 1964). map() draws "
      "weights: the darker, the larger.");
  formula("f(q) = sum_j w_j v_j,  w_j = K(q - k_j) / sum_i K(q - k_i),  K(u) = exp(-u^2 / 2)");
  const Tensor u = t::add(ages, -2.4);                        // (5)  k_j - q; the sign is squared
  const Tensor scores = t::mul(t::mul(u, u), -.5);            // (5)
  const Tensor K = t::exp(scores), w = t::div(K, t::sum(K));  // (5), (5)
  show("K", "exp(-(2.4 - k)^2 / 2)", K);
  map("the weights w for the query 2.4", t::reshape(w, {1, 5}), {"2.4"}, {"1", "2", "3", "4", "5"});
  expect("K", K, {.3753, .9231, .8353, .2780, .0340});
  expect("softmax of -u^2/2", t::softmax(scores, 0), w.to_vector());
  say("exp, divided by the sum: softmax (chapter 5) of -(q - k_j)^2 / 2. It has a slope, too:");
  const Variable q = qkv::autograd::parameter(t::scalar(2.4, qkv::tensor::Dtype::float64));
  const Variable f = kernel_average({q});
  backward(f);
  show("f(2.4)", "sum_j w_j v_j", f.item());
  show("df/dq", "what the engine says", q.grad().item());
  expect("f", f.item(), 54.7743), expect("df/dq", q.grad().item(), -2.0296);
  expect("checked", qkv::autograd::grad_check("f", kernel_average, {q.value()}).passed);
  say("It moves with the query, by -2.0296 grams per year, and with each key: both can learn.");
}

// 3. From distances to dot products
void dot_product() {
  section(3, "From distances to dot products");
  say("Let keys have several numbers. |u|^2 = u . u is the square of a length, and |q - k_j|^2 "
      "that of a distance. Multiply it out:");
  formula("-|q - k_j|^2 / 2 = q . k_j - |q|^2 / 2 - |k_j|^2 / 2");
  say("|q|^2 is the same for every key, and softmax does not see what is added to all scores. If "
      "keys are of one length, |k_j|^2 goes as well, and the dot product is left. Here the two "
      "differ by 1, and the weights are the same:");
  const Tensor keys = Tensor::of<double>({1, 0, .6, .8, 0, 1}, {3, 2});  // each of length 1
  const Tensor q = Tensor::of<double>({.8, .6}, {2});
  const Tensor apart = t::sub(q, keys);                                      // (3, 2)
  const Tensor distances = t::mul(t::sum(t::mul(apart, apart), {-1}), -.5);  // (3)
  const Tensor dots = t::matmul(keys, q);                                    // (3)
  show("distances", "-|q - k_j|^2 / 2", distances);
  show("dots", "q . k_j", dots);
  show("weights", "softmax(dots), and softmax(distances)", t::softmax(dots, 0));
  expect("dots - distances", t::sub(dots, distances), {1, 1, 1});
  expect("the same weights", t::softmax(distances, 0), t::softmax(dots, 0).to_vector());
}

// 4. As the second seed (section 5) has it: Tq queries, Tk keys of width D, Tk values of width Dv.
std::pair<Tensor, Tensor> attention(const Tensor& query, const Tensor& keys, const Tensor& values) {
  const Tensor scores = t::matmul(query, t::transpose(keys));  // (Tq, D) x (D, Tk) -> (Tq, Tk)
  const Tensor weights = t::softmax(scores, -1);               // (Tq, Tk), each row adds up to 1
  return {t::matmul(weights, values), weights};                // (Tq, Dv)
}

void library() {
  section(4, "Attention: the library again");
  say("Three books: Cats, Catnip (a plant for cats and gardens), Cooking. A key is a book's title "
      "and description: how much it is about cats, gardens, cooking. A value is its content: pages "
      "on animals, on plants. One reader wants cats, the other gardens.");
  const Tensor Q = Tensor::of<double>({1, 0, 0, 0, 1, 0}, {2, 3});
  const Tensor K = Tensor::of<double>({3, 0, 0, 2, 2, 0, 0, 0, 3}, {3, 3});
  const Tensor V = Tensor::of<double>({100, 0, 50, 50, 0, 20}, {3, 2});
  formula("Attention(Q, K, V) = softmax(Q K^T) V");
  const auto [output, weights] = attention(Q, K, V);  // (2, 2), (2, 3)
  show("Q", "what the readers look for", Q);
  show("K", "what the books can be found by", K);
  show("V", "what the books contain", V);
  map("weights", weights, {"cats", "gardens"}, {"Cats", "Catnip", "Cooking"});
  show("output", "weights V", output);
  expect("weights", weights, {.7054, .2595, .0351, .1065, .7870, .1065});
  expect("output", output, {83.5133, 13.6772, 50.0000, 41.4794});
  say("Nobody gets one book, but a blend of all contents, weighted by how well their keys matched: "
      "query-key likeness decides how much of each value is retrieved.");

  // 5. The analogies
  section(5, "The analogies, side by side");
  table({{"", "a library", "YouTube", "attention"},
         {"query", "books about cats", "the search term", "what a position looks for"},
         {"key", "title and description", "video title and tags", "what each position advertises"},
         {"value", "the book's content", "the video itself", "what each position gives"},
         {"weights", "how well each matched", "relevance ranking", "softmax(Q K^T)"},
         {"output", "a blend of contents", "a blend of top videos", "a weighted average"}});
  say("attention() and the library are from the second of this book's seeds, YouTube from the "
      "first. Where the analogies end: a search returns a list to choose from, attention an "
      "average, and no weight is 0. Chapter 8 asks where Q, K, V come from.");
  expect("one book each", attention(t::mul(Q, 10), K, V).second, {1, 0, 0, 0, 1, 0});
  try_this("Multiply Q by 10: each reader gets the best book alone. By 0: a third of each.");
}

void chapter() { hard_lookups(), kernel(), dot_product(), library(); }

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
