// Counting, smoothing, and choosing the settings.
#include "examples/lab/ngram.h"

#include <algorithm>
#include <cmath>

#include "lib/text.h"

namespace qkv::examples {
namespace {

constexpr int64_t kStart = -1;  // stands before the first symbol of a line

// What stands `back` places before the end of `before`: 1 is its last symbol. One start symbol lies
// before the line, and nothing before that.
int64_t symbol_at(std::span<const int64_t> before, size_t back) {
  return back <= before.size() ? before[before.size() - back] : kStart;
}

// The list's element of that symbol, or its end.
template <class List>
auto find_follower(List& followers, int64_t symbol) {
  return std::find_if(followers.begin(), followers.end(),
                      [symbol](const auto& f) { return f.symbol == symbol; });
}

auto find_longer(const std::vector<std::pair<int64_t, size_t>>& longer, int64_t symbol) {
  return std::find_if(longer.begin(), longer.end(),
                      [symbol](const auto& entry) { return entry.first == symbol; });
}

}  // namespace

// ---- counting ----------------------------------------------------------------------------------

NGramCounts::NGramCounts(int64_t symbols, int64_t longest_order)
    : symbols_(symbols), longest_order_(longest_order), contexts_(1) {
  if (symbols < 1 || longest_order < 1) {
    lib::fail("n-gram: symbols ", symbols, ", longest order ", longest_order,
              "; need at least 1 of both");
  }
}

void NGramCounts::add(const Line& line) {
  for (const int64_t symbol : line) {
    if (symbol < 0 || symbol >= symbols_) {
      lib::fail("n-gram: symbol ", symbol, " in a line; symbols are from 0 to ", symbols_ - 1);
    }
  }
  for (size_t t = 0; t <= line.size(); ++t) {
    const std::span<const int64_t> before(line.data(), t);
    const int64_t next = t < line.size() ? line[t] : symbols_;
    const size_t longest = std::min(static_cast<size_t>(longest_order_) - 1, t + 1);
    count_follower(0, 0, next);
    for (size_t at = 0, back = 1; back <= longest; ++back) {
      const size_t shorter = at;
      at = longer_context(shorter, symbol_at(before, back));
      count_follower(at, shorter, next);
    }
  }
}

size_t NGramCounts::longer_context(size_t at, int64_t symbol) {
  const auto known = find_longer(contexts_[at].longer, symbol);
  if (known != contexts_[at].longer.end()) return known->second;
  contexts_[at].longer.emplace_back(symbol, contexts_.size());
  contexts_.emplace_back();
  return contexts_.size() - 1;
}

// The first time that a symbol follows a context, it continues the shorter one in one more way.
void NGramCounts::count_follower(size_t at, size_t shorter, int64_t symbol) {
  Context& context = contexts_[at];
  auto follower = find_follower(context.followers, symbol);
  if (follower == context.followers.end()) {
    follower = context.followers.insert(follower, {.symbol = symbol});
    if (at != shorter) {
      ++find_follower(contexts_[shorter].followers, symbol)->continuations;
      ++contexts_[shorter].continuations;
    }
  }
  ++follower->count;
  ++context.count;
}

std::vector<const NGramCounts::Context*> NGramCounts::contexts(std::span<const int64_t> before,
                                                               int64_t order) const {
  std::vector<const Context*> found = {&contexts_[0]};
  for (size_t back = 1; static_cast<int64_t>(back) < order && back <= before.size() + 1; ++back) {
    const auto next = find_longer(found.back()->longer, symbol_at(before, back));
    if (next == found.back()->longer.end()) break;
    found.push_back(&contexts_[next->second]);
  }
  return found;
}

// ---- smoothing ---------------------------------------------------------------------------------

NGram::NGram(const NGramCounts& counts, const NGramSettings& settings)
    : counts_(counts), settings_(settings) {
  if (settings.order < 1 || settings.order > counts.longest_order()) {
    lib::fail("n-gram: order ", settings.order, "; the counts are of orders 1 to ",
              counts.longest_order());
  }
  const bool add_k = settings.smoothing == Smoothing::add_k;
  if (!(settings.parameter > 0) || !(add_k || settings.parameter < 1)) {
    lib::fail("n-gram: parameter ", settings.parameter,
              add_k ? "; k must be above 0" : "; the discount must be above 0 and below 1");
  }
}

double NGram::probability(std::span<const int64_t> before, int64_t symbol) const {
  const double uniform = 1 / static_cast<double>(counts_.symbols() + 1);  // 1/V
  const auto contexts = counts_.contexts(before, settings_.order);
  const size_t longest =
      std::min(static_cast<size_t>(settings_.order) - 1, before.size() + 1);  // symbols
  const double parameter = settings_.parameter;
  if (settings_.smoothing == Smoothing::add_k) {
    if (contexts.size() <= longest) return uniform;  // this context was never seen
    const NGramCounts::Context& h = *contexts.back();
    const auto follower = find_follower(h.followers, symbol);
    const auto count = follower == h.followers.end() ? 0.0 : static_cast<double>(follower->count);
    return (count + parameter) / (static_cast<double>(h.count) + parameter / uniform);
  }
  double p = uniform;
  for (size_t size = 0; size < contexts.size(); ++size) {  // symbols of the context
    const NGramCounts::Context& h = *contexts[size];
    if (h.count == 0) break;            // no text at all
    const bool real = size == longest;  // else: how many different symbols came before
    const auto total = static_cast<double>(real ? h.count : h.continuations);
    const auto follower = find_follower(h.followers, symbol);
    double count = 0;
    if (follower != h.followers.end()) {
      count = static_cast<double>(real ? follower->count : follower->continuations);
    }
    const auto types = static_cast<double>(h.followers.size());
    p = std::max(count - parameter, 0.0) / total + parameter * types / total * p;
  }
  return p;
}

// ---- scores, samples, settings -----------------------------------------------------------------

double TextScore::bits_per_character() const {
  return bits / static_cast<double>(std::max<int64_t>(characters, 1));
}

double TextScore::perplexity() const { return std::exp2(bits_per_character()); }

TextScore NGram::score(const std::vector<Line>& lines) const {
  TextScore total;
  for (const Line& line : lines) {
    for (size_t t = 0; t <= line.size(); ++t) {
      const int64_t next = t < line.size() ? line[t] : counts_.symbols();
      total.bits -= std::log2(probability(std::span(line.data(), t), next));
    }
    total.characters += static_cast<int64_t>(line.size()) + 1;
  }
  return total;
}

Line NGram::sample(lib::Generator& generator, int64_t max_length) const {
  Line line;
  while (static_cast<int64_t>(line.size()) < max_length) {
    double rest = generator.uniform();
    int64_t symbol = 0;
    while (symbol < counts_.symbols() && (rest -= probability(line, symbol)) >= 0) ++symbol;
    if (symbol == counts_.symbols()) break;
    line.push_back(symbol);
  }
  return line;
}

std::vector<NGramTrial> try_ngrams(const NGramCounts& counts, const std::vector<Line>& validation) {
  const std::vector<double> ks = {1, 0.1, 0.01, 1e-3, 1e-4, 1e-5};
  const std::vector<double> discounts = {0.1, 0.5, 0.75, 0.9, 0.95, 0.97, 0.99};
  std::vector<NGramTrial> trials;
  for (const Smoothing smoothing : {Smoothing::add_k, Smoothing::kneser_ney}) {
    for (int64_t order = 1; order <= counts.longest_order(); ++order) {
      NGramTrial best;
      for (const double parameter : smoothing == Smoothing::add_k ? ks : discounts) {
        const NGramSettings settings{order, smoothing, parameter};
        const TextScore score = NGram(counts, settings).score(validation);
        if (best.score.characters == 0 || score.bits < best.score.bits) best = {settings, score};
      }
      trials.push_back(best);
    }
  }
  return trials;
}

NGramSettings best_of(const std::vector<NGramTrial>& trials) {
  if (trials.empty()) lib::fail("best_of: no trials; need at least one");
  return std::min_element(
             trials.begin(), trials.end(),
             [](const NGramTrial& a, const NGramTrial& b) { return a.score.bits < b.score.bits; })
      ->settings;
}

}  // namespace qkv::examples
