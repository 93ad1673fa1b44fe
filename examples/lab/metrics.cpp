// Counting right symbols and n-grams.
#include "examples/lab/metrics.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "lib/text.h"

namespace qkv::examples {
namespace {

using Sequence = std::vector<int64_t>;

std::map<Sequence, int64_t> ngrams(const Sequence& sequence, size_t n) {
  std::map<Sequence, int64_t> counts;
  for (size_t i = 0; i + n <= sequence.size(); ++i) {
    const auto first = sequence.begin() + static_cast<int64_t>(i);
    ++counts[Sequence(first, first + static_cast<int64_t>(n))];
  }
  return counts;
}

// n-grams of the answer that the reference has, none more often than there.
int64_t matches(const Sequence& answer, const Sequence& reference, size_t n) {
  const std::map<Sequence, int64_t> wanted = ngrams(reference, n);
  int64_t right = 0;
  for (const auto& [ngram, count] : ngrams(answer, n)) {
    const auto found = wanted.find(ngram);
    if (found != wanted.end()) right += std::min(count, found->second);
  }
  return right;
}

}  // namespace

double share(int64_t part, int64_t all) {
  return static_cast<double>(part) / static_cast<double>(std::max<int64_t>(all, 1));
}

void Accuracy::add(const Sequence& answer, const Sequence& target) {
  exact += answer == target;
  ++sequences;
  for (size_t t = 0; t < std::min(answer.size(), target.size()); ++t) {
    right += answer[t] == target[t];
  }
  symbols += static_cast<int64_t>(std::max(answer.size(), target.size()));
}

double Accuracy::exact_share() const { return share(exact, sequences); }
double Accuracy::token_share() const { return share(right, symbols); }

Bleu bleu(const std::vector<Sequence>& answers, const std::vector<Sequence>& references) {
  if (answers.size() != references.size()) {
    lib::fail("bleu: ", answers.size(), " answers, ", references.size(),
              " references; need one reference for each answer");
  }
  int64_t right[4] = {}, all[4] = {};
  Bleu result;
  for (size_t i = 0; i < answers.size(); ++i) {
    const auto length = static_cast<int64_t>(answers[i].size());
    result.length += length;
    result.reference_length += static_cast<int64_t>(references[i].size());
    for (int64_t n = 1; n <= 4; ++n) {
      right[n - 1] += matches(answers[i], references[i], static_cast<size_t>(n));
      all[n - 1] += std::max<int64_t>(length - n + 1, 0);
    }
  }
  if (result.length < result.reference_length) {
    result.brevity_penalty =
        result.length == 0 ? 0 : std::exp(1 - 1 / share(result.length, result.reference_length));
  }
  if (right[0] == 0) return result;
  double logarithms = 0, none = 1;  // none: 1, or what a missing n-gram counts as
  for (int n = 0; n < 4 && all[n] > 0; ++n) {
    if (right[n] == 0) none /= 2;
    result.precisions[n] = 100 * (right[n] > 0 ? share(right[n], all[n]) : none * share(1, all[n]));
    logarithms += std::log(result.precisions[n]) / 4;
  }
  if (all[3] > 0) result.score = result.brevity_penalty * std::exp(logarithms);
  return result;
}

}  // namespace qkv::examples
