// Decoding: from a model that scores the next symbol to whole sequences. Greedy takes the best
// symbol at every step, sampling draws one, beam search keeps several beginnings in play.
//
//   BOS -> model -> scores of y0 -> choose y0 -> model -> scores of y1 -> choose y1 ... until EOS
//
// Next: decoding.cpp (greedy and sampling), then beam_search.cpp.
#pragma once

#include <vector>

#include "lib/random.h"
#include "tensor/tensor.h"

namespace qkv::nn {

using tensor::Tensor;

// What decoding asks of a model: scores of the next symbol, one position after another, for R rows
// at once. What the rows have received so far is the model's to remember: a recurrent state, or the
// keys and values of earlier positions.
class NextSymbol {
 public:
  virtual ~NextSymbol() = default;

  // What each row has just received, (R) int64, at first BOS -> logits (R, vocab), floating.
  [[nodiscard]] virtual Tensor next(const Tensor& symbols) = 0;

  // From here on row r goes on from what row rows[r] has received. Rows may be left out, and may
  // appear several times: their number may change.
  virtual void reorder(const std::vector<int64_t>& rows) = 0;

  // Where the last step looked in the source, (R, S), for the rows as they are after reorder();
  // undefined if there is nothing to look at.
  [[nodiscard]] virtual Tensor weights() const;
};

struct DecodingOptions {
  int64_t bos = 0;         // what every row receives first
  int64_t eos = 1;         // what ends a row; -1: nothing does, each row has max_length symbols
  int64_t max_length = 0;  // a row without EOS ends after so many symbols
  std::vector<int64_t> first = {};  // one for each row in place of BOS: the last of its prompt
};

struct Decoded {
  std::vector<std::vector<int64_t>> symbols;  // of each row, without BOS and EOS
  std::vector<double> log_probability;        // of each row: Σ log p(symbol), that of EOS included
  std::vector<Tensor> weights;  // of each row (T, S), row t where symbol t came from; or empty
};

// All of these record no graph. They throw std::invalid_argument unless rows and max_length are at
// least 1 and the options lie in the ranges given, or if logits are not (R, vocab) or a row of them
// has no probabilities: NaN, +inf, nothing but -inf.

// The symbol with the largest logit at every step; of equal ones the lowest. Rows that have ended
// receive EOS until all have.
[[nodiscard]] Decoded greedy(NextSymbol& model, int64_t rows, const DecodingOptions& options);

struct SamplingOptions {
  double temperature = 1;  // > 0: logits are divided by it; below 1 the likely gets likelier
  int64_t top_k = 0;       // only the k most likely symbols; 0: all. Fan et al. 2018
  double top_p = 1;        // in (0, 1]: only the fewest symbols that together have probability p,
};                         // after temperature and top_k. Holtzman et al. 2020, "nucleus"

// A symbol drawn at every step, one number of the generator for each row that goes on. The log
// probabilities returned are the model's own, before temperature, top_k and top_p.
[[nodiscard]] Decoded sample(NextSymbol& model, int64_t rows, const DecodingOptions& options,
                             const SamplingOptions& sampling, lib::Generator& generator);

struct BeamOptions {
  int64_t width = 4;            // >= 1: hypotheses per row; 1 is greedy
  double length_penalty = 0.6;  // >= 0; 0: plain log probability, which prefers short sequences
};

// The best sequence of each row that a beam of `width` hypotheses finds, by
//
//   score = log p / length_penalty(|y|),   |y| counts EOS
//
// Sources: Sutskever, Vinyals, Le 2014, section 3.2; Wu et al. 2016, equation 14.
[[nodiscard]] Decoded beam_search(NextSymbol& model, int64_t rows, const DecodingOptions& options,
                                  const BeamOptions& beam);

// ((5 + length) / 6)^alpha, at most exp(700). Wu et al. 2016, equation 14.
[[nodiscard]] double length_penalty(int64_t length, double alpha);

// ---- what they share ----------------------------------------------------------------------------

struct Scores {
  Tensor logits, log_probabilities;  // (R, vocab) float64, row-major
};

// One step: symbols (one for each row) -> the scores of what follows. Symbols are compared by their
// logits: two that differ may have log probabilities that are rounded to the same number.
[[nodiscard]] Scores next_scores(NextSymbol& model, const std::vector<int64_t>& symbols);

// For models, before they begin: throws std::invalid_argument if dropout > 0 is on, in training
// mode, as what is written would be another thing each time.
void require_no_dropout(const char* model, bool training, double dropout);

// What each row receives first. Throws as said above.
[[nodiscard]] std::vector<int64_t> first_symbols(const char* name, int64_t rows,
                                                 const DecodingOptions& options);

}  // namespace qkv::nn
