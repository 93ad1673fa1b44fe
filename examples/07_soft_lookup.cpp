// Chapter 7. Soft lookup: from a hash table to a kernel average to attention.
//
// Attention is a smart lookup: compare a query with all keys, and let the likeness weight the
// values. Here it grows, in small steps, out of a lookup that is not smart at all.
#include <map>

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

// Five books: the age of the cat that each is about, and the grams of food a day that it advises.
const Tensor ages = Tensor::of<double>({1, 2, 3, 4, 5}, {5});
const Tensor grams = Tensor::of<double>({50, 60, 55, 45, 40}, {5});

// 1. A hash table
void hard_lookups() {
  section(1, "A hash table: the key is there, or it is not");
  say("A library's catalogue leads from a subject to a shelf. The subjects are keys, the shelves "
      "values, and what a reader asks for is a query.");
  const std::map<std::string, int> shelf = {{"cats", 4}, {"cooking", 9}, {"gardens", 7}};
  std::vector<std::vector<std::string>> rows = {{"query", "found"}};
  for (const std::string query : {"cats", "kittens"}) {
    const bool found = shelf.contains(query);
    rows.push_back({query, found ? "shelf " + std::to_string(shelf.at(query)) : "nothing"});
  }
  table(rows);
  expect("cats stand on shelf 4", shelf.at("cats") == 4 && !shelf.contains("kittens"));
  say("Kittens are cats, nearly; but a hash table knows equal and different, nothing between.");

  // 2. The nearest key
  section(2, "The nearest key: always an answer, and it jumps");
  say("Let keys be numbers, so that they can be near. Five books on cats: the key is the age in "
      "years that a book is about, the value how many grams of food a day it advises. A query is "
      "the age of your cat; take the book whose age is nearest.");
  show("keys", "ages", ages);
  show("values", "grams", grams);
  const auto nearest = [](double q) {
    const int64_t best =
        static_cast<int64_t>(t::argmax(t::neg(t::abs(t::add(ages, -q))), 0).item());
    return grams.at({best});
  };
  table({{"query", "2.40", "2.49", "2.51", "2.60"},
         {"answer", fixed(nearest(2.4), 0), fixed(nearest(2.49), 0), fixed(nearest(2.51), 0),
          fixed(nearest(2.6), 0)}});
  expect("the answer jumps", nearest(2.49) == 60 && nearest(2.51) == 55);
  say("The answer stands still, then jumps. Its slope is 0 wherever it has one, so no gradient can "
      "say how to ask better, or how a key should move. (nn/variations.h has this as hard "
      "attention.)");
}

// 3. The kernel average, of Variables, so that its slope can be asked for in section 4.
Variable kernel_average(const std::vector<Variable>& in) {
  const Variable u = in[0] - Variable(ages);  // (5)  q - k_j
  const Variable K = exp(u * u * -.5);        // (5)  1 if equal, small if far
  return sum(K * Variable(grams)) / sum(K);   // ()
}

void kernel() {
  section(3, "A kernel average: every key answers, the near ones louder");
  say("Ask all the books, and weight each answer by how near its key is: a bell curve K, divided "
      "by the sum so that the weights add up to 1. Nadaraya and Watson both proposed this in 1964, "
      "to draw a smooth curve through points. map() draws the weights of each query, darker where "
      "they are larger, and their sum.");
  formula("f(q) = sum_j w_j v_j,  w_j = K(q - k_j) / sum_i K(q - k_i),  K(u) = exp(-u^2 / 2)");
  const Tensor u = t::add(ages, -2.4);                        // (5)  k_j - q; the sign is squared
  const Tensor scores = t::mul(t::mul(u, u), -.5);            // (5)
  const Tensor K = t::exp(scores), w = t::div(K, t::sum(K));  // (5), (5)
  show("K", "exp(-(2.4 - k)^2 / 2)", K);
  map("the weights w for the query 2.4", t::reshape(w, {1, 5}), {"2.4"}, {"1", "2", "3", "4", "5"});
  const double answer = t::sum(t::mul(w, grams)).item();
  show("f(2.4)", "sum_j w_j v_j", answer);
  expect("K", K, {.3753, .9231, .8353, .2780, .0340});
  expect("w", w, {.1535, .3774, .3415, .1137, .0139});
  expect("softmax of -u^2/2", t::softmax(scores, 0), w.to_vector());
  expect("f", answer, 54.7743);
  say("exp, divided by the sum: that is the softmax of chapter 5, and -(q - k_j)^2 / 2 are its "
      "scores.");

  // 4. A slope
  section(4, "What that buys: a slope");
  const Variable q = qkv::autograd::parameter(t::scalar(2.4, qkv::tensor::Dtype::float64));
  backward(kernel_average({q}));
  show("df/dq", "by the engine, at q = 2.4", q.grad().item());
  expect("df/dq", q.grad().item(), -2.0296);
  const auto report = qkv::autograd::grad_check("kernel average", kernel_average, {q.value()});
  expect("the slope passes the check of chapter 6", report.passed);
  say("Here the answer falls by 2.0296 grams per year, and the check of chapter 6 agrees. The "
      "answer moves when the query moves, and when a key does: so both can be learned.");
}

// 5. From distance to dot product
void dot_product() {
  section(5, "From distances to dot products");
  say("With keys of several numbers the same curve takes the squared distance |q - k_j|^2. "
      "Multiply it out:");
  formula("-|q - k_j|^2 / 2 = q . k_j - |q|^2 / 2 - |k_j|^2 / 2");
  say("|q|^2 is the same for every key, and softmax does not see what is added to all scores. If "
      "the keys are of one length, |k_j|^2 goes as well. What is left is the dot product.");
  const Tensor keys = Tensor::of<double>({1, 0, .6, .8, 0, 1}, {3, 2});  // each of length 1
  const Tensor q = Tensor::of<double>({.8, .6}, {2});
  const Tensor apart = t::sub(q, keys);                                      // (3, 2)
  const Tensor distances = t::mul(t::sum(t::mul(apart, apart), {-1}), -.5);  // (3)
  const Tensor dots = t::matmul(keys, q);                                    // (3)
  show("distances", "-|q - k_j|^2 / 2", distances);
  show("dots", "q . k_j", dots);
  show("weights", "softmax(dots)", t::softmax(dots, 0));
  expect("distances", distances, {-.2, -.04, -.4});
  expect("dots", dots, {.8, .96, .6});
  expect("weights", t::softmax(dots, 0), {.3342, .3922, .2736});
  expect("the same weights", t::softmax(distances, 0), t::softmax(dots, 0).to_vector());
  say("Each dot is its distance and 1: both give the same weights.");
}

// 6. Attention for a batch, each sequence with one query: query (B, D), keys (B, T, D),
// values (B, T, Dv) -> (B, Dv), as the second seed writes it.
struct Attended {
  Tensor output, weights;
};
Attended attention(const Tensor& query, const Tensor& keys, const Tensor& values) {
  const Tensor scores = t::matmul(t::unsqueeze(query, 1), t::transpose(keys));  // (B, 1, T)
  const Tensor weights = t::softmax(scores, -1);                                // (B, 1, T)
  return {t::squeeze(t::matmul(weights, values), 1), weights};                  // (B, Dv)
}

void library() {
  section(6, "Attention: the library again");
  say("Two readers and three books: Cats, Catnip (a plant for cats and for gardens) and Cooking. A "
      "key is a book's title and description: how much it is about cats, gardens, cooking. A value "
      "is its content: pages on animals, pages on plants. The first reader wants books about cats, "
      "the second about gardens.");
  const Tensor Q = Tensor::of<double>({1, 0, 0, 0, 1, 0}, {2, 3});
  const Tensor K = Tensor::of<double>({3, 0, 0, 2, 2, 0, 0, 0, 3}, {3, 3});
  const Tensor V = Tensor::of<double>({100, 0, 50, 50, 0, 20}, {3, 2});
  formula("Attention(Q, K, V) = softmax(Q K^T) V");
  const Tensor weights = t::softmax(t::matmul(Q, t::transpose(K)), -1);  // (2, 3)
  const Tensor output = t::matmul(weights, V);                           // (2, 2)
  show("Q", "what the readers look for", Q);
  show("K", "what the books can be found by", K);
  show("V", "what the books contain", V);
  show("scores", "Q K^T", t::matmul(Q, t::transpose(K)));
  map("weights", weights, {"cats", "gardens"}, {"Cats", "Catnip", "Cooking"});
  show("output", "weights V", output);
  expect("weights", weights, {.7054, .2595, .0351, .1065, .7870, .1065});
  expect("output", output, {83.5133, 13.6772, 50.0000, 41.4794});
  const Attended both = attention(Q, t::expand(K, {2, 3, 3}), t::expand(V, {2, 3, 2}));
  expect("the batch", both.output, output.to_vector());
  say("Nobody gets one book. Each reader gets a blend of all contents, weighted by how well their "
      "keys matched; likeness of query and key decides how much of each value is retrieved. This "
      "book grew from two short texts, its seeds. The function attention() is the second seed's, "
      "for readers in libraries of their own, one query each; it finds the same. Chapter 8 learns "
      "where Q, K and V come from, chapter 9 adds one factor, and nn/attention.cpp has all of it.");

  // 7. The analogies
  section(7, "The analogies, side by side");
  table({{"", "a library", "YouTube", "attention"},
         {"query", "books about cats", "the search term", "what a position looks for"},
         {"key", "title and description", "video title and tags", "what each position advertises"},
         {"value", "the book's content", "the video itself", "what each position gives"},
         {"weights", "how well each matched", "relevance ranking", "softmax(Q K^T)"},
         {"output", "a blend of contents", "a blend of top videos", "a weighted average"}});
  say("The second seed tells of the library, the first of YouTube, and both are good ways to "
      "begin. Where they end: a search returns a list to choose from, attention an average, and "
      "nobody chooses; and no weight is ever 0. The first reader got a little of the cookery book, "
      "too.");
  const Tensor loud = t::softmax(t::matmul(t::mul(Q, 10), t::transpose(K)), -1);
  expect("ten times the query is a hash table", loud, {1, 0, 0, 0, 1, 0});
  try_this(
      "multiply Q by 10. Each reader gets the best book alone, to four decimals: the lookup is "
      "hard again. Multiply it by 0, and everybody gets a third of everything.");
}

void chapter() {
  hard_lookups();
  kernel();
  dot_product();
  library();
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
