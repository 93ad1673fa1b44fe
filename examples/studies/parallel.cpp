// What cannot be done at the same time. A recurrent net reads position t when position t - 1 is
// done: a training step is a chain of operations as long as the sequence. Attention has all
// positions in a few large products, at the price of T² scores.
//
//   LSTM         [ ]-[ ]-[ ]-[ ]-[ ]-[ ]      T small steps, one after another
//   attention    [                     ]      one large step
//
// Source: Vaswani et al. 2017, table 1.
#include <algorithm>
#include <map>

#include "autograd/engine.h"
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "examples/lab/stopwatch.h"
#include "examples/studies/studies.h"
#include "lib/text.h"
#include "nn/attention.h"
#include "nn/recurrent.h"

namespace qkv::examples {
namespace {

using autograd::Variable;
using lib::str;
using tensor::Tensor;

constexpr int64_t kBatch = 8, kWidth = 64, kHeads = 4;
constexpr const char* kLstm = "LSTM";
constexpr const char* kAttention = "self-attention";

// The LSTM as a graph with a node for each position; lstm.forward() hides them in fused ones.
Variable step_by_step(const nn::LSTM& lstm, const Variable& x) {
  const int64_t B = x.shape()[0], T = x.shape()[1], C = x.shape()[2];
  nn::RecurrentState state;
  for (int64_t t = 0; t < T; ++t) {
    state = lstm.step(autograd::reshape(autograd::slice(x, 1, t, t + 1), {B, C}), state);
  }
  return state.h;
}

// Operations on the longest way through the graph: each needs the result of the one before it.
double longest_chain(const Variable& result) {
  std::map<const autograd::Node*, int64_t> length;
  int64_t longest = 0;
  for (const auto& node : autograd::nodes_behind(result)) {  // inputs come first
    int64_t before = 0;
    for (const auto& input : node->inputs) {
      if (input) before = std::max(before, length[input.get()]);
    }
    length[node.get()] = before + (node->is_leaf() ? 0 : 1);
    longest = std::max(longest, length[node.get()]);
  }
  return static_cast<double>(longest);
}

// A layer's training step: forward, and backward to its parameters and its input.
class Layer {
 public:
  using Function = std::function<Variable(const Variable& x)>;

  // `plain` gives the same as `forward`, or its last position, by operations that are not fused.
  Layer(Function forward, Function plain)
      : forward_(std::move(forward)), plain_(std::move(plain)) {}

  // Measures one step on x (B, T, C).
  void step(const Variable& x, const Tensor& cotangent) {
    const Stopwatch watch;
    const Variable y = forward_(x);
    autograd::backward(y, cotangent);
    seconds_.push_back(watch.seconds());
  }

  [[nodiscard]] Point point(const char* name, const Variable& x) const {
    return {name,
            static_cast<double>(x.shape()[1]),
            {{"milliseconds", 1000 * median_of(seconds_)}, {"chain", longest_chain(plain_(x))}}};
  }

 private:
  Function forward_, plain_;
  std::vector<double> seconds_;
};

std::vector<Point> run(const Words& words) {
  const SeedJob job = parse_seed_job(words);
  lib::Generator generator(job.seed);
  const nn::LSTM lstm(kWidth, kWidth, generator);
  const nn::MultiHeadAttention attention(kWidth, kHeads, generator);
  std::vector<Point> points;
  for (int64_t T = 8; T <= (job.quick ? 128 : 1024); T *= 2) {
    const Variable x = autograd::parameter(tensor::normal({kBatch, T, kWidth}, 0, 1, generator));
    const Tensor cotangent = tensor::normal({kBatch, T, kWidth}, 0, 1, generator);
    Layer recurrent([&](const Variable& input) { return lstm.forward(input).output; },
                    [&](const Variable& input) { return step_by_step(lstm, input); });
    const auto look = [&](const Variable& input, bool plain) {
      return attention.forward(input, input, input, {}, plain).output;
    };
    Layer looking([&](const Variable& input) { return look(input, false); },
                  [&](const Variable& input) { return look(input, true); });
    for (int turn = 0; turn < 9; ++turn) {  // in turns, so that a disturbance meets both
      recurrent.step(x, cotangent);
      looking.step(x, cotangent);
    }
    points.push_back(recurrent.point(kLstm, x));
    points.push_back(looking.point(kAttention, x));
  }
  return points;
}

std::vector<Claim> claims(const Results& results) {
  const double shortest = results.xs().front(), longest = results.xs().back();
  const auto at = [&](const char* line, double T, const char* measure) {
    return results.at(line, T, measure).mean;
  };
  const double more = at(kLstm, longest, "chain") - at(kLstm, shortest, "chain");
  const auto growth = [&](const char* line) {
    return at(line, longest, "milliseconds") / at(line, longest / 2, "milliseconds");
  };
  return {
      {str("LSTM: the chain grows by ", short_number(more / (longest - shortest)),
           " operations with each position"),
       more >= longest - shortest},
      {str("self-attention: the chain has ", short_number(at(kAttention, longest, "chain")),
           " operations at every length"),
       at(kAttention, shortest, "chain") == at(kAttention, longest, "chain")},
      {str("one thread gains nothing from a short chain, as many would: from length ", longest / 2,
           " to ", longest, " a step of the LSTM takes ", short_number(growth(kLstm), 3),
           " times as long, one of self-attention ", short_number(growth(kAttention), 3), " times"),
       growth(kLstm) > 1.2 && growth(kAttention) > 1.2}};
}

}  // namespace

Study parallel_study() {
  return {
      .name = "parallel",
      .question = "What cannot be done at the same time?",
      .setting = str(
          "One layer of width ", kWidth, " (attention: ", kHeads, " heads), ", kBatch,
          " sequences, forward and backward, one thread, the two\nlayers in turns; of ",
          "nine steps the median. Seconds are this machine's; the chain is not: the ",
          "longest\nrow of operations (none of them fused) of which each needs the one before."),
      .figures = {{"chain",
                   "operations that wait for one another",
                   {"length", Scale::log2},
                   {"operations", Scale::log10}},
                  {"milliseconds",
                   "time of a training step",
                   {"length", Scale::log2},
                   {"milliseconds", Scale::log10}}},
      .jobs = job_for_each_seed,
      .run = run,
      .claims = claims,
      .one_at_a_time = true,
  };
}

}  // namespace qkv::examples
