// Chapter 9. Why 1/sqrt(D): how scores grow with the width, and what that does to softmax.
//
// Random queries and keys of widths D from 1 to 256. D, the width of a key, is the seeds' d_k.
// Source: Vaswani et al. 2017, section 3.2.1, footnote 4.
#include <algorithm>
#include <cmath>

#include "examples/chapter.h"
#include "tensor/elementwise.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"
#include "tensor/softmax.h"
#include "tensor/views.h"

using namespace qkv::examples;
using qkv::tensor::Dtype;
using qkv::tensor::Tensor;
namespace t = qkv::tensor;

namespace {

constexpr int64_t kQueries = 200, kKeys = 16;  // each query has keys of its own
const std::vector<int64_t> kWidths = {1, 4, 16, 64, 256};

double root(int64_t D) { return std::sqrt(static_cast<double>(D)); }
double average(const Tensor& x) { return t::mean(x).item(); }
double middle(std::vector<double> numbers) {
  std::sort(numbers.begin(), numbers.end());
  return numbers[numbers.size() / 2];
}

// Dot products of random numbers: the generator's two numbers say which, on every machine alike.
Tensor random_scores(int64_t D) {
  qkv::lib::Generator generator(9, static_cast<uint64_t>(D));
  const Tensor q = t::normal({kQueries, 1, D}, 0, 1, generator, Dtype::float64);
  const Tensor k = t::normal({kQueries, kKeys, D}, 0, 1, generator, Dtype::float64);
  return t::reshape(t::matmul(q, t::transpose(k)), {kQueries, kKeys});  // (200, 16)
}

double variance(const Tensor& x) { return average(t::mul(x, x)) - average(x) * average(x); }

// Section 3: -sum_j p_j log p_j of each row, on average. log_softmax: log p, even if p rounds to 0.
double entropy(const Tensor& scores) {
  const Tensor p = t::softmax(scores, -1), log_p = t::log_softmax(scores, -1);
  return -average(t::sum(t::mul(p, log_p), {-1}));
}

// Section 4: the length of what softmax's backward (chapter 5, section 5) sends back, of the query
// in the middle.
double gradient(const Tensor& scores) {
  qkv::lib::Generator generator(10);
  const Tensor dA = t::normal(scores.shape(), 0, 1, generator, Dtype::float64);
  const Tensor dZ = t::softmax_backward(dA, t::softmax(scores, -1), -1);
  return middle(t::sqrt(t::sum(t::mul(dZ, dZ), {-1})).to_vector());
}

// Shows a measure of the scores as they are, and divided by sqrt(D), a row for each width.
struct Columns {
  std::vector<double> without, with;
};
Columns measure(const std::string& name, double (*of)(const Tensor&)) {
  Columns found;
  std::vector<std::vector<std::string>> rows = {{"D", name + " of q . k", "of q . k / sqrt(D)"}};
  for (const int64_t D : kWidths) {
    const Tensor scores = random_scores(D);
    const double without = of(scores), with = of(t::mul(scores, 1 / root(D)));
    rows.push_back({std::to_string(D), fixed(without), fixed(with)});
    found.without.push_back(without), found.with.push_back(with);
  }
  plot({name + " by width", /*x_scale=*/"log2"}, rows);
  return found;
}

// 1. A sum of D coins
void growing_scores() {
  section(1, "A sum of D coins");
  say("A dot product adds up D products. Let each be a coin, +1 or -1. Two coins can fall in four "
      "ways, three in eight. How far from 0 is the sum? Its variance is the mean, the average, of "
      "its square (less the square of its mean: 0 here).");
  formula("q . k = sum_d q_d k_d,   variance(x) = mean(x^2) - mean(x)^2");
  const Tensor two = Tensor::of<double>({2, 0, 0, -2}, {4});
  const Tensor three = Tensor::of<double>({3, 1, 1, 1, -1, -1, -1, -3}, {8});
  show("variance of two coins", "(4 + 0 + 0 + 4) / 4", variance(two));
  show("variance of three coins", "(9 + 1 + 1 + 1 + 1 + 1 + 1 + 9) / 8", variance(three));
  expect("2", variance(two), 2), expect("3", variance(three), 3);
  say("Coins mostly cancel: the largest sum is D, but a typical one is only sqrt(D) away from 0.");

  // 2. The variance of a score
  section(2, "The variance of a score");
  say("Now queries and keys of random numbers of mean 0 and variance 1: 200 queries, 16 keys each. "
      "lib::Generator draws them, by normal().");
  const Columns found = measure("variance", variance);
  for (const double v : found.with) expect("the variance is 1", std::abs(v - 1) < .25);
  say("The variance is D but for chance, as with coins. Divide the scores by sqrt(D), and it is 1 "
      "at every width: dividing by a number divides the variance by its square.");
}

// 3. Large scores make softmax a switch
void peaked_weights() {
  section(3, "Large scores make softmax a switch");
  say("Scores 2, 1, 0 times sqrt(D), a row for each D as above: the first key takes it all.");
  const Tensor roots = Tensor::of<double>({1, 2, 4, 8, 16}, {5, 1});
  const Tensor scores = t::mul(roots, Tensor::of<double>({2, 1, 0}, {3}));  // (5, 3)
  show("weights", "softmax(sqrt(D) (2, 1, 0))", t::softmax(scores, -1));
  say("The entropy says how widely weights are spread: log(n), the natural logarithm, if n keys "
      "share evenly, 0 if one key has all. The 16 keys of our random queries, evenly, have log(16) "
      "= 2.7726.");
  formula("entropy = -sum_j p_j log(p_j)");
  const Columns found = measure("entropy", entropy);
  expect("log 16", t::log(t::scalar(16, Dtype::float64)).item(), 2.7726);
  expect("entropy falls", found.without.back() < .25 * found.without.front());
  for (const double e : found.with) expect("entropy stays", std::abs(e - 2.35) < .15);
  say("Without the factor a wide query looks at hardly more than one key; with it, at many.");
}

// 4. The gradient vanishes
void vanishing_gradient() {
  section(4, "The gradient vanishes");
  say("Chapter 5 had the slopes of softmax. Between two keys, of weights p and 1 - p, all of them "
      "are p (1 - p) or its negative: hardly anything once p is near 0 or 1.");
  formula("dp_1/dx_1 = p (1 - p)");
  say("For the random queries: random numbers dA arrive at the weights, and dZ leaves softmax's "
      "backward. Its length sqrt(sum_j dZ_j^2), of the queries the middle one:");
  const Columns arriving = measure("gradient", gradient);
  expect("it vanishes", arriving.without.back() < .1 * arriving.without.front());
  for (const double g : arriving.with) expect("it stays", std::abs(g / arriving.with[0] - 1) < .3);
  say("A softmax that has chosen passes nothing back, and at the start of training its choice is "
      "chance. (`./qkv study scaling` measures this at more widths, for several draws.)");

  // 5. What the seeds say
  section(5, "What the seeds say");
  say("The first seed writes 1/sqrt(d_k), \"Scale to prevent small gradients\". The second "
      "explains it: large dot products, a peaked softmax (one weight near 1), vanishing gradients, "
      "as measured above. Its sample code leaves the factor out: the left columns. That is easily "
      "overlooked, since nothing crashes.");
  formula("Attention(Q, K, V) = softmax(Q K^T / sqrt(d_k)) V");
  try_this(
      "Divide by D in measure(), and take out the expect() lines that object: at D = 256 "
      "nearly an even share (2.7726), which tells no more than one key getting all.");
  expect("divided by D", std::abs(entropy(t::mul(random_scores(256), 1. / 256)) - 2.7726) < .01);
}

void chapter() { growing_scores(), peaked_weights(), vanishing_gradient(); }

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
