// Greedy decoding and sampling: one loop, and two ways to choose the next symbol in it.
// Next: beam_search.cpp.
#include "nn/decoding.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <span>

#include "autograd/variable.h"
#include "lib/text.h"
#include "tensor/index.h"
#include "tensor/softmax.h"
#include "tensor/views.h"

namespace qkv::nn {

Tensor NextSymbol::weights() const { return {}; }
namespace {

// The log probabilities of all symbols -> the one that is next.
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
    const Tensor log_p = next_log_probabilities(model, last);  // (R, vocab)
    const auto vocab = static_cast<size_t>(log_p.shape()[1]);
    if (const Tensor weights = model.weights(); weights.defined()) {
      looked.push_back(weights.clone());
    }
    for (size_t r = 0; r < R; ++r) {
      if (ended[r]) continue;
      const std::span<const double> row(log_p.data<double>() + r * vocab, vocab);
      last[r] = choose(row);
      decoded.log_probability[r] += row[static_cast<size_t>(last[r])];
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
int64_t draw(std::span<const double> log_p, const SamplingOptions& options,
             lib::Generator& generator) {
  const auto vocab = static_cast<int64_t>(log_p.size());
  const int64_t kept = options.top_k == 0 ? vocab : std::min(options.top_k, vocab);
  std::vector<int64_t> order(log_p.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto score = [&](int64_t symbol) { return log_p[static_cast<size_t>(symbol)]; };
  std::partial_sort(order.begin(), order.begin() + kept, order.end(), [&](int64_t a, int64_t b) {
    return score(a) > score(b) || (score(a) == score(b) && a < b);
  });
  order.resize(static_cast<size_t>(kept));
  std::vector<double> up_to;  // Σ exp(log p / temperature) of the symbols up to this one
  for (const int64_t symbol : order) {
    const double weight = std::exp((score(symbol) - score(order[0])) / options.temperature);
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

// In double precision, so that symbols of different float32 logits never tie.
Tensor next_log_probabilities(NextSymbol& model, const std::vector<int64_t>& symbols) {
  const auto R = static_cast<int64_t>(symbols.size());
  const Tensor logits = model.next(Tensor::of(symbols, {R}));
  if (logits.rank() != 2 || logits.shape()[0] != R || logits.shape()[1] < 1) {
    lib::fail("decoding: the model's logits are ", logits.shape(), "; need (", R,
              ", vocab), a row for each symbol it was given");
  }
  Tensor log_p = tensor::log_softmax(logits.to(tensor::Dtype::float64), -1).contiguous();
  const auto* number = log_p.data<double>();
  for (int64_t i = 0; i < log_p.numel(); ++i) {
    if (std::isnan(number[i])) {
      lib::fail("decoding: row ", i / logits.shape()[1],
                " of the model's logits has no probabilities; it has NaN, +inf or only -inf");
    }
  }
  return log_p;
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
  return decode("greedy", model, rows, options, [](std::span<const double> log_p) {
    return std::max_element(log_p.begin(), log_p.end()) - log_p.begin();
  });
}

Decoded sample(NextSymbol& model, int64_t rows, const DecodingOptions& options,
               const SamplingOptions& sampling, lib::Generator& generator) {
  check(sampling);
  return decode("sample", model, rows, options,
                [&](std::span<const double> log_p) { return draw(log_p, sampling, generator); });
}

}  // namespace qkv::nn
