// Models for tests of decoding, small enough that every sequence can be written down.
#pragma once

#include <cmath>
#include <vector>

#include "nn/decoding.h"

namespace qkv::tests {

// A Markov chain: row s of the table holds p(next | s), which may be 0. Each row of the model
// remembers all that it has received, and `calls` counts its steps.
class MarkovChain : public nn::NextSymbol {
 public:
  explicit MarkovChain(std::vector<std::vector<double>> table, tensor::Dtype type = kDouble)
      : table_(std::move(table)), type_(type) {}

  tensor::Tensor next(const tensor::Tensor& symbols) override {
    ++calls;
    const auto R = static_cast<size_t>(symbols.numel());
    if (received.empty()) received.resize(R);
    std::vector<double> logits;
    for (size_t r = 0; r < R; ++r) {
      received.at(r).push_back(symbols.data<int64_t>()[r]);
      for (const double p : row(received[r])) logits.push_back(std::log(p));
    }
    const auto vocab = static_cast<int64_t>(logits.size() / R);
    return tensor::Tensor::of(logits, {symbols.numel(), vocab}).to(type_);
  }

  void reorder(const std::vector<int64_t>& rows) override {
    const auto before = received;
    received.clear();
    for (const int64_t r : rows) received.push_back(before.at(static_cast<size_t>(r)));
  }

  // p(next | all that the row has received, BOS first).
  [[nodiscard]] virtual std::vector<double> row(const std::vector<int64_t>& prefix) const {
    return table_.at(static_cast<size_t>(prefix.back()));
  }

  static constexpr auto kDouble = tensor::Dtype::float64;
  std::vector<std::vector<int64_t>> received;
  int64_t calls = 0;

 private:
  std::vector<std::vector<double>> table_;
  tensor::Dtype type_;
};

// Every beginning has next symbols of its own, at random: a row that goes on from another row's
// state gives itself away. It looks at one source position: as many as it has received.
class Prefixes : public MarkovChain {
 public:
  Prefixes(int64_t vocab, uint64_t seed) : MarkovChain({}), vocab_(vocab), seed_(seed) {}

  [[nodiscard]] std::vector<double> row(const std::vector<int64_t>& prefix) const override {
    uint64_t number = seed_;
    for (const int64_t symbol : prefix) number = number * 31 + static_cast<uint64_t>(symbol) + 7;
    lib::Generator generator(number);
    std::vector<double> p;
    double total = 0;
    for (int64_t i = 0; i < vocab_; ++i) total += p.emplace_back(std::exp(generator.normal()));
    for (double& each : p) each /= total;
    return p;
  }

  [[nodiscard]] tensor::Tensor weights() const override {
    if (!looks) return {};
    std::vector<double> looked;
    for (const auto& prefix : received) {
      for (const int64_t symbol : {prefix.back(), static_cast<int64_t>(prefix.size())}) {
        looked.push_back(static_cast<double>(symbol));
      }
    }
    return tensor::Tensor::of(looked, {static_cast<int64_t>(received.size()), 2});
  }

  bool looks = false;

 private:
  int64_t vocab_;
  uint64_t seed_;
};

// log p of a row that BOS begins, by asking the model for one symbol after another.
[[nodiscard]] inline double log_probability(const MarkovChain& model, int64_t bos,
                                            const std::vector<int64_t>& symbols) {
  std::vector<int64_t> prefix = {bos};
  double total = 0;
  for (const int64_t symbol : symbols) {
    total += std::log(model.row(prefix).at(static_cast<size_t>(symbol)));
    prefix.push_back(symbol);
  }
  return total;
}

}  // namespace qkv::tests
