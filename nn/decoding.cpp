// Greedy decoding and sampling: one loop, and two ways to choose the next symbol in it.
// Next: beam_search.cpp.
#include "nn/decoding.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <span>

#include "autograd/variable.h"
#include "lib/elementary.h"
#include "lib/text.h"
#include "tensor/index.h"
#include "tensor/views.h"

namespace qkv::nn {

Tensor NextSymbol::weights() const { return {}; }

namespace {

// exp(x) for x <= 0, with the same bits everywhere; what is below 1e-304 is taken as 0.
double exp_of_negative(double x) {
  if (std::isnan(x)) return x;
  return x < -700 ? 0 : lib::portable_exp(x);
}

// The logits of all symbols -> the one that is next.
using Choose = std::function<int64_t(std::span<const double>)>;

//   step    row 0           row 1           eos = 9
//   0       BOS -> 4        BOS -> 9        row 1 has ended, and is empty
//   1       4 -> 7          9 -> ignored
//   2       7 -> 9          9 -> ignored    symbols {4, 7} and {}
Decoded decode(const char* name, NextSymbol& model, int64_t rows, const DecodingOptions& options,
               const Choose& choose) {
  const autograd::NoGrad no_grad;
  std::vector<int64_t> last = first_symbols(name, rows, options);
  const size_t R = last.size();
  Decoded decoded;
  decoded.symbols.resize(R);
  decoded.log_probability.resize(R);
  std::vector<bool> ended(R, false);
  std::vector<Tensor> looked;  // at each step, (R, S)
  for (int64_t step = 0; step < options.max_length; ++step) {
    const auto [logits, log_p] = next_scores(model, last);  // (R, vocab)
    const auto vocab = static_cast<size_t>(logits.shape()[1]);
    if (const Tensor weights = model.weights(); weights.defined()) {
      looked.push_back(weights.clone());
    }
    for (size_t r = 0; r < R; ++r) {
      if (ended[r]) continue;
      last[r] = choose({logits.data<double>() + r * vocab, vocab});
      decoded.log_probability[r] += log_p.at({static_cast<int64_t>(r), last[r]});
      ended[r] = last[r] == options.eos;
      if (!ended[r]) decoded.symbols[r].push_back(last[r]);
    }
    if (std::find(ended.begin(), ended.end(), false) == ended.end()) break;
  }
  if (looked.empty()) return decoded;
  const Tensor all = tensor::stack(looked, 1);  // (R, steps, S)
  for (size_t r = 0; r < R; ++r) {
    const auto T = static_cast<int64_t>(decoded.symbols[r].size());
    decoded.weights.push_back(
        tensor::slice(tensor::select(all, 0, static_cast<int64_t>(r)), 0, 0, T).contiguous());
  }
  return decoded;
}

void check(const SamplingOptions& options) {
  if (!(options.temperature > 0) || std::isinf(options.temperature)) {
    lib::fail("sample: temperature is ", options.temperature,
              "; need a number > 0 (greedy is what becomes of it near 0)");
  }
  if (options.top_k < 0) lib::fail("sample: top_k is ", options.top_k, "; need >= 0 (0: all)");
  if (!(options.top_p > 0 && options.top_p <= 1)) {
    lib::fail("sample: top_p is ", options.top_p, "; need 0 < top_p <= 1");
  }
}

// The symbols from the most likely on, cut off after top_k, and where top_p is reached:
//
//   p           .5  .3  .15  .05      top_k = 3:   .5/.95  .3/.95  .15/.95
//   up to here  .5  .8  .95  1        top_p = .8:  .5/.8   .3/.8
int64_t draw(std::span<const double> logits, const SamplingOptions& options,
             lib::Generator& generator) {
  const auto vocab = static_cast<int64_t>(logits.size());
  const int64_t kept = options.top_k == 0 ? vocab : std::min(options.top_k, vocab);
  std::vector<int64_t> order(logits.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto score = [&](int64_t symbol) { return logits[static_cast<size_t>(symbol)]; };
  std::partial_sort(order.begin(), order.begin() + kept, order.end(), [&](int64_t a, int64_t b) {
    return score(a) > score(b) || (score(a) == score(b) && a < b);
  });
  order.resize(static_cast<size_t>(kept));
  std::vector<double> up_to;  // Σ exp((logit - largest) / temperature), up to this symbol
  for (const int64_t symbol : order) {
    const double weight = exp_of_negative((score(symbol) - score(order[0])) / options.temperature);
    up_to.push_back((up_to.empty() ? 0 : up_to.back()) + weight);
  }
  const double enough = options.top_p * up_to.back();
  const double total = *std::lower_bound(up_to.begin(), up_to.end(), enough);
  const double place = generator.uniform() * total;  // < total, if not for rounding
  const auto hit = std::upper_bound(up_to.begin(), up_to.end(), place);
  const auto last = std::lower_bound(up_to.begin(), up_to.end(), total);
  return order[static_cast<size_t>(std::min(hit, last) - up_to.begin())];
}

}  // namespace

// log p_j = x_j - m - log Σ exp(x_k - m), m the largest of the logits x, in double precision and by
// the portable functions: what is drawn, and which beam wins, is the same on every machine.
Scores next_scores(NextSymbol& model, const std::vector<int64_t>& symbols) {
  const auto R = static_cast<int64_t>(symbols.size());
  const Tensor given = model.next(Tensor::of(symbols, {R}));
  if (given.rank() != 2 || given.shape()[0] != R || given.shape()[1] < 1) {
    lib::fail("decoding: the model's logits are ", given.shape(), "; need (", R,
              ", vocab), a row for each symbol it was given");
  }
  const Tensor logits = given.to(tensor::Dtype::float64).contiguous();
  Tensor log_p = Tensor::empty(logits.shape(), tensor::Dtype::float64);
  const int64_t vocab = logits.shape()[1];
  const double* x = logits.data<double>();
  double* y = log_p.mutable_data<double>();
  for (int64_t r = 0; r < R; ++r, x += vocab, y += vocab) {
    const double largest = *std::max_element(x, x + vocab);
    double sum = 0;
    for (int64_t i = 0; i < vocab; ++i) sum += exp_of_negative(x[i] - largest);
    if (!(sum >= 1)) {
      lib::fail("decoding: row ", r,
                " of the model's logits has no probabilities; it has NaN, +inf or only -inf");
    }
    const double log_sum = lib::portable_log(sum);
    for (int64_t i = 0; i < vocab; ++i) y[i] = x[i] - largest - log_sum;
  }
  return {logits, log_p};
}

void require_no_dropout(const char* model, bool training, double dropout) {
  if (!training || dropout == 0) return;
  lib::fail(model, ": begin while dropout ", dropout, " is on; call eval() first");
}

std::vector<int64_t> first_symbols(const char* name, int64_t rows, const DecodingOptions& options) {
  if (rows < 1) lib::fail(name, ": ", rows, " rows; need at least 1");
  if (options.max_length < 1) {
    lib::fail(name, ": max_length is ", options.max_length, "; need at least 1");
  }
  if (options.first.empty()) return std::vector<int64_t>(static_cast<size_t>(rows), options.bos);
  if (static_cast<int64_t>(options.first.size()) != rows) {
    lib::fail(name, ": ", options.first.size(), " first symbols for ", rows,
              " rows; need one for each");
  }
  return options.first;
}

Decoded greedy(NextSymbol& model, int64_t rows, const DecodingOptions& options) {
  return decode("greedy", model, rows, options, [](std::span<const double> logits) {
    return std::max_element(logits.begin(), logits.end()) - logits.begin();
  });
}

Decoded sample(NextSymbol& model, int64_t rows, const DecodingOptions& options,
               const SamplingOptions& sampling, lib::Generator& generator) {
  check(sampling);
  return decode("sample", model, rows, options,
                [&](std::span<const double> logits) { return draw(logits, sampling, generator); });
}

}  // namespace qkv::nn
