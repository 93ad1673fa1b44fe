// Beyond the lengths of the training: attention takes sequences of any length, but the mark of a
// place that no training sequence had may mean nothing to the model. A decoder copies: it reads the
// question, then writes it again symbol by symbol, each time looking back as far as the question is
// long.
//
//   trained on lengths 4 ... 16     tested on 4 ... 16 | 17 18 20 24 32
//
// Sources: Vaswani et al. 2017 (sinusoidal), Su et al. 2021 (rotary), Press, Smith, Lewis 2022
// (ALiBi), Haviv et al. 2022 (none: the causal mask alone says where a position is).
#include <algorithm>

#include "examples/studies/studies.h"
#include "examples/studies/training.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

using lib::str;

std::vector<Words> jobs(const StudyOptions& options) {
  const int64_t longest = options.quick ? 8 : 16;  // of the training
  const Words positions = options.quick ? Words{"rotary", "alibi"}
                                        : Words{"none", "sinusoidal", "learned", "rotary", "alibi"};
  std::vector<int64_t> lengths = {4, 8, 12, 16, 17, 18, 20, 24, 32};
  if (options.quick) lengths = {4, 8, 9, 10, 12};
  std::vector<Words> jobs;
  for (const std::string& kind : positions) {
    for (int64_t seed = 1; seed <= options.seeds; ++seed) {
      jobs.push_back(
          job_words({kind,
                     "copy",
                     lengths,
                     {"task=copy", "model=decoder", "positions=" + kind, str("seed=", seed),
                      "min_length=4", str("length=", longest), str("test_length=", 2 * longest),
                      "batch=32", str("steps=", options.quick ? 500 : 1500),
                      str("learning_rate=", options.quick ? "4e-3" : "3e-3")}}));
    }
  }
  return jobs;
}

std::vector<Claim> claims(const Results& results) {
  // The longest of the training, and a quarter more.
  const double longest = results.xs().back() == 32 ? 16 : 8, beyond = longest * 5 / 4;
  // The quick version has learned less of ALiBi, which is the slowest to learn.
  const bool quick = longest == 8;
  const double at_least = quick ? 40 : 80, kept = quick ? 0.25 : 0.75;
  std::vector<Claim> claims;
  for (const std::string& line : results.lines()) {
    const double inside = results.at(line, longest, "copy").mean;
    const double outside = results.at(line, beyond, "copy").mean;
    if (line == "none") continue;  // learns the order from the causal mask, in its own time
    const bool goes_on = line == "alibi";
    claims.push_back({str(line, ": ", short_number(inside, 3), " % at length ", longest, ", ",
                          short_number(outside, 3), " % at ", beyond,
                          goes_on ? ": falls slowly" : ": falls off a cliff"),
                      goes_on ? inside >= at_least && outside >= kept * inside
                              : inside >= 60 && outside <= inside / 4});
  }
  return claims;
}

}  // namespace

Study positions_study() {
  return {
      .name = "positions",
      .question = "Which positions work beyond the lengths of the training?",
      .setting =
          "A decoder of 2 layers, width 64 and 4 heads learns to copy 4 to 16 of 10 symbols, "
          "in 1500 steps of 32\n(quick: 4 to 8, in 500), and writes 256 held-out sequences of "
          "each length, symbol by symbol.",
      .figures = {{"copy",
                   "copy: exact sequences, %",
                   {"length"},
                   {"exact sequences, %", Scale::linear, {0, 100}}}},
      .jobs = jobs,
      .run = run_training_job,
      .claims = claims,
  };
}

}  // namespace qkv::examples
