// The bottleneck: an encoder that hands its decoder one vector must fit the whole sequence into it,
// and long sequences do not fit. With attention the decoder looks back at all of the encoder's
// states, and there is no length at which it fails.
//
//   none        7 3 1 0 -> [vector] -> 0 1 3 7
//   attention   7 3 1 0 -> [.][.][.][.] <- looked at anew for each symbol
//
// Source: Bahdanau, Cho, Bengio 2015, figure 2.
#include "examples/studies/studies.h"
#include "examples/studies/training.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

using lib::str;

constexpr const char* kFixed = "fixed vector";

struct Line {
  const char* name;
  Words words;
};

std::vector<Line> lines(bool quick) {
  std::vector<Line> all = {{kFixed, {"model=seq2seq", "attention=none"}},
                           {"additive", {"model=seq2seq", "attention=additive"}}};
  if (quick) return all;
  all.push_back({"general", {"model=seq2seq", "attention=general"}});
  all.push_back({"Transformer", {"model=encoder_decoder", "learning_rate=3e-3"}});
  return all;
}

std::vector<Words> jobs(const StudyOptions& options) {
  const Words tasks = options.quick ? Words{"reverse"} : Words{"copy", "reverse"};
  const std::vector<int64_t> lengths =
      options.quick ? std::vector<int64_t>{4, 8, 12}
                    : std::vector<int64_t>{4, 8, 12, 16, 20, 24, 28, 32, 36, 40};
  std::vector<Words> jobs;
  for (const std::string& task : tasks) {
    for (const Line& line : lines(options.quick)) {
      for (int64_t seed = 1; seed <= options.seeds; ++seed) {
        Words words = {"task=" + task, str("seed=", seed),
                       "min_length=4", str("length=", lengths.back()),
                       "batch=32",     str("steps=", options.quick ? 300 : 1200)};
        words.insert(words.end(), line.words.begin(), line.words.end());
        jobs.push_back(job_words({line.name, task, lengths, words}));
      }
    }
  }
  return jobs;
}

// At length 16, or the longest of the quick version.
std::vector<Claim> claims(const Results& results) {
  const double length = std::min(16.0, results.xs().back());
  std::vector<Claim> claims;
  for (const char* task : {"copy", "reverse"}) {
    for (const std::string& line : results.lines()) {
      const Spread exact = results.at(line, length, task);
      if (exact.count == 0) continue;
      const bool fixed = line == kFixed;
      claims.push_back(
          {str(task, " at length ", length, ", ", line, ": ", short_number(exact.mean, 3),
               " % exact, ", fixed ? "below 60" : "at least 95"),
           fixed ? exact.mean < 60 : exact.mean >= 95});
    }
  }
  return claims;
}

}  // namespace

Study bottleneck_study() {
  const ChartAxis length = {"length"}, exact = {"exact sequences, %", Scale::linear, {0, 100}};
  return {
      .name = "bottleneck",
      .question = "What does a fixed vector forget that attention can look up?",
      .setting =
          "Every model is trained on sequences of 4 to 40 of 10 symbols, in 1200 steps of 32 "
          "(quick: of 4 to 12, in\n300), and writes 256 held-out ones of each length, symbol "
          "by symbol. The recurrent ones are a bidirectional\nGRU and a GRU of width 64; the "
          "Transformer has 2 + 2 layers of width 64 and 4 heads.",
      .figures = {{"copy", "copy: exact sequences, %", length, exact},
                  {"reverse", "reverse: exact sequences, %", length, exact}},
      .jobs = jobs,
      .run = run_training_job,
      .claims = claims,
  };
}

}  // namespace qkv::examples
