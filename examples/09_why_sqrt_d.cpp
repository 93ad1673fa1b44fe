// Chapter 9. Why 1/sqrt(D): how scores grow with the width, and what that does to softmax.
//
// Random queries and keys at widths D = 1, 4, 16, 64, 256: the variance of the scores, the entropy
// of the weights, the gradient that comes back. D, the width of a key, is the seeds' d_k.
// Source: Vaswani et al. 2017, section 3.2.1, footnote 4.
#include <algorithm>
#include <cmath>

#include "examples/chapter.h"
#include "tensor/elementwise.h"
#include "tensor/index.h"
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

// Numbers of mean 0 and variance 1, the same on every machine.
Tensor random_scores(int64_t D) {
  qkv::lib::Generator generator(9, static_cast<uint64_t>(D));
  const Tensor q = t::normal({kQueries, 1, D}, 0, 1, generator, Dtype::float64);
  const Tensor k = t::normal({kQueries, kKeys, D}, 0, 1, generator, Dtype::float64);
  return t::reshape(t::matmul(q, t::transpose(k)), {kQueries, kKeys});  // (200, 16)
}

double variance(const Tensor& x) { return average(t::mul(x, x)) - average(x) * average(x); }

// -sum_j p_j log p_j of each row, on average. log_softmax is log p, also where p rounds to 0.
double entropy(const Tensor& scores) {
  const Tensor p = t::softmax(scores, -1), log_p = t::log_softmax(scores, -1);
  return -average(t::sum(t::mul(p, log_p), {-1}));
}

// The length of what softmax's backward (chapter 5, section 5) sends to a query's scores; of all
// queries the middle one.
double gradient(const Tensor& scores) {
  qkv::lib::Generator generator(10);
  const Tensor dA = t::normal(scores.shape(), 0, 1, generator, Dtype::float64);
  const Tensor dZ = t::softmax_backward(dA, t::softmax(scores, -1), -1);
  return middle(t::sqrt(t::sum(t::mul(dZ, dZ), {-1})).to_vector());
}

// One row for each width: a measure of the scores as they are, and divided by sqrt(D).
struct Column {
  std::vector<double> without, with;
};
Column measure(const std::string& name, double (*of)(const Tensor&), int decimals) {
  Column found;
  std::vector<std::vector<std::string>> rows = {{"D", name + " of q . k", "of q . k / sqrt(D)"}};
  for (const int64_t D : kWidths) {
    const Tensor scores = random_scores(D);
    found.without.push_back(of(scores));
    found.with.push_back(of(t::mul(scores, 1 / root(D))));
    rows.push_back({std::to_string(D), fixed(found.without.back(), decimals),
                    fixed(found.with.back(), decimals)});
  }
  table(rows);
  return found;
}

// 1. A sum of D coins
void growing_scores() {
  section(1, "A sum of D coins");
  say("A dot product adds up D products. Let each be a coin, +1 or -1, and go through all patterns "
      "of D coins: how far from 0 is the sum? The variance is the mean of its square.");
  formula("q . k = sum_d q_d k_d");
  std::vector<std::vector<std::string>> rows = {{"D", "patterns", "largest", "variance"}};
  for (int D = 1; D <= 4; ++D) {
    double squares = 0;
    for (int pattern = 0; pattern < 1 << D; ++pattern) {
      int sum = 0;
      for (int d = 0; d < D; ++d) sum += (pattern >> d & 1) != 0 ? 1 : -1;
      squares += sum * sum;
    }
    rows.push_back(
        {std::to_string(D), std::to_string(1 << D), std::to_string(D), fixed(squares / (1 << D))});
    expect("the variance of D coins", squares / (1 << D), D);
  }
  table(rows);
  say("Coins mostly cancel: the largest sum is D, but the variance is D, too, so a typical sum is "
      "only sqrt(D) away from 0.");

  // 2. The variance of a score
  section(2, "The variance of a score");
  say("Now queries and keys of random numbers of mean 0 and variance 1: 200 queries, 16 keys each. "
      "lib::Generator draws the same ones on every machine.");
  const Column found = measure("variance", variance, 2);
  for (size_t i = 0; i < kWidths.size(); ++i) {
    const auto D = static_cast<double>(kWidths[i]);
    expect("the variance is D", std::abs(found.without[i] / D - 1) < .25);
    expect("the variance is 1", std::abs(found.with[i] - 1) < .25);
  }
  say("The variance is D but for chance, as with coins. Divide the scores by sqrt(D), and it is 1 "
      "at every width: dividing by a number divides the variance by its square.");
}

// 3. Large scores make softmax a switch
void peaked_weights() {
  section(3, "Large scores make softmax a switch");
  say("Scores 2, 1, 0, and the same ones grown by sqrt(D). The entropy says how widely the weights "
      "are spread: log n if n keys share evenly, 0 if one key has all.");
  formula("entropy = -sum_j p_j log(p_j)");
  const Tensor small = Tensor::of<double>({2, 1, 0}, {1, 3});
  std::vector<std::vector<std::string>> rows = {{"D", "scores", "weights", "", "", "entropy"}};
  for (const int64_t D : kWidths) {
    const Tensor scores = t::mul(small, root(D));
    const std::vector<double> s = scores.to_vector(), p = t::softmax(scores, -1).to_vector();
    rows.push_back({std::to_string(D), fixed(s[0], 0) + " " + fixed(s[1], 0) + " " + fixed(s[2], 0),
                    fixed(p[0]), fixed(p[1]), fixed(p[2]), fixed(entropy(scores))});
  }
  table(rows);

  // 4. The entropy of the weights
  section(4, "The entropy of the weights");
  const Column found = measure("entropy", entropy, 4);
  expect("log 16", t::log(t::scalar(16, Dtype::float64)).item(), 2.7726);
  expect("entropy falls", found.without.back() < .25 * found.without.front());
  for (const double e : found.with) expect("entropy stays", std::abs(e - 2.35) < .15);
  say("An even share among 16 keys would be 2.7726. Without the factor a wide query looks at "
      "hardly more than one key; with it, width does not matter.");

  // 5. The gradient vanishes
  section(5, "The gradient vanishes");
  say("Chapter 5 had the slopes of softmax. Between two keys, of weights p and 1 - p, all of them "
      "are p (1 - p) or its negative. If one score leads by sqrt(D):");
  formula("dp_1/dx_1 = p (1 - p)");
  std::vector<std::vector<std::string>> slopes = {{"D", "lead", "p", "p (1 - p)"}};
  for (const int64_t D : kWidths) {
    const double p = t::sigmoid(t::scalar(root(D), Dtype::float64)).item();  // of two: softmax
    slopes.push_back({std::to_string(D), fixed(root(D), 0), fixed(p), fixed(p * (1 - p))});
  }
  table(slopes);
  say("Then for the random queries: random numbers arrive at the weights, and the length of what "
      "reaches the 16 numbers that softmax was given is measured. Of all queries, the middle one:");
  const Column arriving = measure("gradient", gradient, 4);
  expect("it vanishes", arriving.without.back() < .1 * arriving.without.front());
  for (const double g : arriving.with) expect("it stays", std::abs(g / arriving.with[0] - 1) < .3);
  say("Small gradients come from large scores: a softmax that has chosen passes nothing back, and "
      "at the start of training its choice is chance. (On the way on to the query the factor "
      "divides once more, and the keys, of length about sqrt(D), multiply: these two cancel.) "
      "`./qkv study scaling` measures all this at more widths, over several seeds.");
}

// 6. What the seeds say: the score as the second one's code has it, and with the factor that its
// text explains.
Tensor seed_scores(const Tensor& q, const Tensor& k) { return t::matmul(q, t::transpose(k)); }
Tensor scaled_scores(const Tensor& q, const Tensor& k) {
  return t::mul(seed_scores(q, k), 1 / root(q.shape().from_end(1)));  // D is the last axis
}

void seeds() {
  section(6, "What the seeds say");
  formula("Attention(Q, K, V) = softmax(Q K^T / sqrt(d_k)) V");
  say("The first seed writes 1/sqrt(d_k), \"Scale to prevent small gradients\". The second "
      "explains it: large dot products, a peaked softmax, vanishing gradients; each of these steps "
      "is measured above. Its sample code leaves the division out, which makes it the first score "
      "of its own list, the plain dot product. That is easily overlooked, since nothing crashes. "
      "One query and four keys of width 256, by the code as it stands and with the factor:");
  qkv::lib::Generator generator(3);
  const Tensor q = t::normal({1, 256}, 0, 1, generator, Dtype::float64);
  const Tensor k = t::normal({4, 256}, 0, 1, generator, Dtype::float64);
  const Tensor without = t::softmax(seed_scores(q, k), -1),
               with = t::softmax(scaled_scores(q, k), -1);
  map("weights", t::concat({without, with}, 0), {"without", "with"}, {"1", "2", "3", "4"});
  show("weights", "without, then with the factor", t::concat({without, with}, 0));
  expect("one key has it all", t::max(without, 1).item() > .99);
  expect("all keys are heard", t::max(with, 1).item() < .7);
  say("nn/attention.cpp divides, unless told otherwise. Chapter 10 puts the scores of the list "
      "side by side.");
  const double even = entropy(t::mul(random_scores(256), 1. / 256));
  expect("divided by D", std::abs(even - 2.7726) < .01);
  try_this(
      "divide by D in place of sqrt(D) in measure(), and take out the expect() lines that object. "
      "At D = 256 the scores are then so small that the entropy is nearly that of an even share: "
      "every key gets about the same, and that tells no more than one key getting all.");
}

void chapter() {
  growing_scores();
  peaked_weights();
  seeds();
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
