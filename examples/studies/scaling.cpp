// Why attention divides its scores by √D. A score is a sum of D products: q and k of variance 1
// give it variance D. Then the softmax of wide queries picks a single key, and hardly any gradient
// comes back through it.
//
//   score = q · k = Σ_d q_d k_d      variance D        score / √D      variance 1
//
// Source: Vaswani et al. 2017, section 3.2.1, footnote 4.
#include <algorithm>
#include <cmath>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "examples/studies/studies.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

using autograd::Variable;
using tensor::Dtype;
using tensor::Tensor;

constexpr int64_t kQueries = 512, kKeys = 64, kGroup = 32;  // queries at a time
const char* const kLines[] = {"with 1/√D", "without"};

// What is found of each query and its keys.
struct Found {
  std::vector<double> scores, entropies, gradients;
};

// Scores of a group of queries, each with keys of its own: independent samples.
void look(const Tensor& scores, const Tensor& cotangent, Found& found) {
  const Variable s = autograd::parameter(scores);  // (queries, keys)
  const Variable weights = autograd::softmax(s, -1);
  const Variable information = autograd::log_softmax(s, -1);
  autograd::backward(weights, cotangent);  // what reaches the scores if the weights get this
  const std::vector<double> p = weights.value().to_vector(),
                            log_p = information.value().to_vector();
  const std::vector<double> ds = s.grad().value().to_vector(), all = scores.to_vector();
  found.scores.insert(found.scores.end(), all.begin(), all.end());
  for (size_t row = 0; row < p.size(); row += kKeys) {
    double entropy = 0, squares = 0;
    for (size_t i = row; i < row + kKeys; ++i) {
      entropy -= p[i] * log_p[i];
      squares += ds[i] * ds[i];
    }
    found.entropies.push_back(entropy);
    found.gradients.push_back(std::sqrt(squares));
  }
}

double mean(const std::vector<double>& numbers) { return spread_of(numbers).mean; }

Point point(const char* line, int64_t D, const Found& found) {
  const double deviation = spread_of(found.scores).deviation;
  return {line,
          static_cast<double>(D),
          {{"variance", deviation * deviation},
           {"entropy", mean(found.entropies)},
           {"gradient", median_of(found.gradients)}}};
}

std::vector<Point> run(const Words& words) {
  const SeedJob job = parse_seed_job(words);
  std::vector<Point> points;
  for (int64_t D = 1; D <= (job.quick ? 256 : 1024); D *= 2) {
    lib::Generator generator(job.seed, static_cast<uint64_t>(D));
    Found scaled, unscaled;
    for (int64_t done = 0; done < kQueries; done += kGroup) {
      const Tensor q = tensor::normal({kGroup, 1, D}, 0, 1, generator);
      const Tensor k = tensor::normal({kGroup, kKeys, D}, 0, 1, generator);
      const Tensor cotangent = tensor::normal({kGroup, kKeys}, 0, 1, generator, Dtype::float64);
      const Variable scores =
          autograd::reshape(autograd::matmul(q, autograd::transpose(Variable(k))), {kGroup, kKeys});
      const Tensor s = scores.value().to(Dtype::float64);  // float32 would lose small gradients
      look(autograd::scale(s, 1 / std::sqrt(static_cast<double>(D))).value(), cotangent, scaled);
      look(s, cotangent, unscaled);
    }
    points.push_back(point(kLines[0], D, scaled));
    points.push_back(point(kLines[1], D, unscaled));
  }
  return points;
}

std::vector<Claim> claims(const Results& results) {
  const std::string with = kLines[0], without = kLines[1];
  const double widest = results.xs().back();
  double furthest = 0;  // of a variance from 1, or from D
  bool near = true;     // a NaN is near to nothing
  for (const double D : results.xs()) {
    for (const double variance :
         {results.at(with, D, "variance").mean, results.at(without, D, "variance").mean / D}) {
      furthest = std::max(furthest, std::abs(variance - 1));
      near = near && std::abs(variance - 1) <= 0.2;
    }
  }
  const auto change = [&](const std::string& line, const char* measure) {
    return results.at(line, widest, measure).mean / results.at(line, 1, measure).mean;
  };
  return {{lib::str("the variance of q · k is D, and with 1/√D it is 1, at every D (furthest off: ",
                    short_number(100 * furthest), " %)"),
           near},
          {lib::str("with 1/√D the entropy at D = ", widest, " is ",
                    short_number(100 * change(with, "entropy")), " % of that at D = 1; without, ",
                    short_number(100 * change(without, "entropy")), " %"),
           std::abs(change(with, "entropy") - 1) <= 0.1 && change(without, "entropy") <= 0.25},
          {lib::str("with 1/√D the gradient at D = ", widest, " is ",
                    short_number(change(with, "gradient")), " times that at D = 1; without, ",
                    short_number(change(without, "gradient")), " times"),
           std::abs(change(with, "gradient") - 1) <= 0.5 && change(without, "gradient") <= 0.1}};
}

}  // namespace

Study scaling_study() {
  return {
      .name = "scaling",
      .question = "Why does attention divide its scores by √D?",
      .setting = lib::str(kQueries, " random queries, each with ", kKeys,
                          " random keys of its own, all of unit variance. Entropy in nats (ln ",
                          kKeys, " = ", short_number(std::log(kKeys)),
                          "\nif all weights are equal). Gradient: the length of what reaches the ",
                          "scores of a query when random\nnumbers of unit variance reach its ",
                          "weights; of all queries the median."),
      .figures =
          {{"variance", "variance of the scores", {"D", Scale::log2}, {"variance", Scale::log10}},
           {"entropy", "entropy of the weights", {"D", Scale::log2}, {"nats"}},
           {"gradient",
            "gradient that reaches the scores",
            {"D", Scale::log2},
            {"length", Scale::log10}}},
      .jobs = job_for_each_seed,
      .run = run,
      .claims = claims,
  };
}

}  // namespace qkv::examples
