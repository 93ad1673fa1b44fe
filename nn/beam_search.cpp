// Beam search: `width` beginnings of a sequence side by side, each step replaced by their best
// continuations. Greedy cannot take back a symbol that only looked good; a beam can.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "autograd/variable.h"
#include "lib/elementary.h"
#include "lib/text.h"
#include "nn/decoding.h"
#include "tensor/index.h"
#include "tensor/views.h"

namespace qkv::nn {
namespace {

//   width 2   step 0    step 1     step 2       E is EOS
//
//   BOS -+- a .6 -+- ab .3 -- abE .29           finished, and keeps its place: one goes on
//        |        '- aE .15                     lost: not among the best two of its step
//        '- b .4 ---- ba .2 -- bac .11 -- ...
//
// The steps of all hypotheses are one list, in which each points to the one before.
struct Step {
  int64_t before;  // -1: it is the first
  int64_t symbol;
  Tensor looked;  // (S); undefined if the model shows no weights
};

struct Hypothesis {
  int64_t end = -1;  // its last step
  double log_probability = 0;
};

struct Beam {  // of one row
  std::vector<Hypothesis> running = {Hypothesis()};
  int64_t finished = 0;  // so many places are taken for good
  Hypothesis best;       // of the finished ones
  double best_score = -std::numeric_limits<double>::infinity();
};

struct Candidate {
  double log_probability;
  int64_t parent, symbol;  // number `parent` of the running hypotheses goes on with `symbol`
  double logit;            // of that symbol
};

// Which comes first: equal sums are those of the better hypothesis first, then of the larger logit,
// which rounding may have lost in the sum, then of the lower symbol. So a beam of one is greedy.
bool better(const Candidate& a, const Candidate& b) {
  if (a.log_probability != b.log_probability) return a.log_probability > b.log_probability;
  if (a.parent != b.parent) return a.parent < b.parent;
  if (a.logit != b.logit) return a.logit > b.logit;
  return a.symbol < b.symbol;
}

// The best `count` continuations of the running hypotheses, whose rows of the scores begin at
// `first`.
std::vector<Candidate> continuations(const Beam& beam, const Scores& scores, int64_t first,
                                     int64_t count) {
  const int64_t vocab = scores.logits.shape()[1];
  const double* const logits = scores.logits.data<double>() + first * vocab;
  const double* const log_p = scores.log_probabilities.data<double>() + first * vocab;
  std::vector<Candidate> candidates;
  for (int64_t parent = 0; parent < static_cast<int64_t>(beam.running.size()); ++parent) {
    const double so_far = beam.running[static_cast<size_t>(parent)].log_probability;
    for (int64_t symbol = 0; symbol < vocab; ++symbol) {
      const int64_t at = parent * vocab + symbol;
      const double sum = so_far + log_p[at];
      if (!std::isinf(sum)) candidates.push_back({sum, parent, symbol, logits[at]});
    }
  }
  count = std::min(count, static_cast<int64_t>(candidates.size()));
  std::partial_sort(candidates.begin(), candidates.begin() + count, candidates.end(), better);
  candidates.resize(static_cast<size_t>(count));
  return candidates;
}

class Search {
 public:
  Search(NextSymbol& model, int64_t rows, const DecodingOptions& options, const BeamOptions& beam)
      : model_(model),
        options_(options),
        beam_(beam),
        symbols_(first_symbols("beam_search", rows, options)),
        beams_(symbols_.size()) {}

  Decoded run() {
    for (int64_t length = 1; length <= options_.max_length && !symbols_.empty(); ++length) {
      advance(length);
    }
    Decoded decoded;
    for (const Beam& beam : beams_) add(decoded, beam.best);
    return decoded;
  }

 private:
  // One step of all rows: `length` symbols after it, EOS included.
  void advance(int64_t length) {
    const Scores scores = next_scores(model_, symbols_);  // (running ones, vocab)
    const Tensor shown = model_.weights();
    looked_ = shown.defined() ? shown.clone() : Tensor();
    symbols_.clear(), parents_.clear();
    int64_t first = 0;  // of this beam, in the model's rows
    for (Beam& beam : beams_) {
      const auto count = static_cast<int64_t>(beam.running.size());
      if (count > 0) advance(beam, scores, first, length);
      first += count;
    }
    std::vector<int64_t> same(static_cast<size_t>(first));
    std::iota(same.begin(), same.end(), int64_t{0});
    if (!parents_.empty() && parents_ != same) model_.reorder(parents_);
  }

  void advance(Beam& beam, const Scores& scores, int64_t first, int64_t length) {
    const auto candidates = continuations(beam, scores, first, beam_.width - beam.finished);
    const std::vector<Hypothesis> before = std::exchange(beam.running, {});
    std::vector<std::pair<Hypothesis, Candidate>> going_on;
    for (const Candidate& c : candidates) {
      const int64_t parent = first + c.parent;
      history_.push_back({before[static_cast<size_t>(c.parent)].end, c.symbol,
                          looked_.defined() ? tensor::select(looked_, 0, parent) : Tensor()});
      const Hypothesis extended = {static_cast<int64_t>(history_.size()) - 1, c.log_probability};
      if (c.symbol == options_.eos || length == options_.max_length) {
        finish(beam, extended, length);
      } else {
        going_on.push_back({extended, c});
      }
    }
    for (const auto& [hypothesis, c] : going_on) {
      if (!can_win(beam, hypothesis)) continue;
      beam.running.push_back(hypothesis);
      symbols_.push_back(c.symbol);
      parents_.push_back(first + c.parent);
    }
  }

  void finish(Beam& beam, const Hypothesis& hypothesis, int64_t length) const {
    const double score = hypothesis.log_probability / length_penalty(length, beam_.length_penalty);
    if (beam.finished++ == 0 || score > beam.best_score) {
      beam.best = hypothesis;
      beam.best_score = score;
    }
  }

  // Log probabilities only fall: it ends no better than if all that follows were certain, and it as
  // long as allowed. Giving up what cannot win saves time and loses nothing.
  [[nodiscard]] bool can_win(const Beam& beam, const Hypothesis& hypothesis) const {
    const double most = length_penalty(options_.max_length, beam_.length_penalty);
    return beam.finished == 0 || hypothesis.log_probability / most > beam.best_score;
  }

  void add(Decoded& decoded, const Hypothesis& hypothesis) const {
    std::vector<int64_t> symbols;
    std::vector<Tensor> looked;
    for (int64_t at = hypothesis.end; at >= 0; at = history_[static_cast<size_t>(at)].before) {
      const Step& step = history_[static_cast<size_t>(at)];
      if (step.symbol == options_.eos) continue;
      symbols.push_back(step.symbol);
      looked.push_back(step.looked);
    }
    std::reverse(symbols.begin(), symbols.end());
    std::reverse(looked.begin(), looked.end());
    decoded.symbols.push_back(std::move(symbols));
    decoded.log_probability.push_back(hypothesis.log_probability);
    if (!looked_.defined()) return;
    decoded.weights.push_back(looked.empty()
                                  ? tensor::zeros({0, looked_.shape()[1]}, looked_.dtype())
                                  : tensor::stack(looked, 0));  // (T, S)
  }

  NextSymbol& model_;
  const DecodingOptions& options_;
  const BeamOptions& beam_;
  std::vector<int64_t> symbols_;  // what the model's rows receive next
  std::vector<int64_t> parents_;  // the rows from which they go on
  std::vector<Beam> beams_;
  std::vector<Step> history_;
  Tensor looked_;  // at the last step, (R, S)
};

}  // namespace

double length_penalty(int64_t length, double alpha) {
  const double power = alpha * lib::portable_log((5 + static_cast<double>(length)) / 6);
  return lib::portable_exp(std::min(power, 700.0));
}

Decoded beam_search(NextSymbol& model, int64_t rows, const DecodingOptions& options,
                    const BeamOptions& beam) {
  if (beam.width < 1) lib::fail("beam_search: width is ", beam.width, "; need at least 1");
  if (!(beam.length_penalty >= 0) || std::isinf(beam.length_penalty)) {
    lib::fail("beam_search: length_penalty is ", beam.length_penalty, "; need a number >= 0");
  }
  const autograd::NoGrad no_grad;
  return Search(model, rows, options, beam).run();
}

}  // namespace qkv::nn
