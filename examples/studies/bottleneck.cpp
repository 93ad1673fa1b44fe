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
constexpr int kSteps = 1500;

struct Line {
  const char* name;
  Words words;
};

std::vector<Line> lines(bool quick) {
  const Words recurrent = {"model=seq2seq", "cell=lstm", "learning_rate=5e-3"};
  const auto with = [&](const char* name, const char* attention) {
    Line line = {name, recurrent};
    line.words.push_back(str("attention=", attention));
    return line;
  };
  std::vector<Line> all = {with(kFixed, "none"), with("additive", "additive")};
  if (quick) return all;
  all.push_back(with("general", "general"));
  all.push_back({"Transformer",
                 {"model=encoder_decoder", "layers=1", "feed_forward=128", "learning_rate=3e-3"}});
  return all;
}

// A model for each length, the longest first: no processor is left with one of those at the end.
std::vector<Words> jobs(const StudyOptions& options) {
  const Words tasks = options.quick ? Words{"reverse"} : Words{"copy", "reverse"};
  const std::vector<int64_t> lengths =
      options.quick ? std::vector<int64_t>{12, 4} : std::vector<int64_t>{40, 16, 10, 4};
  std::vector<Words> jobs;
  for (const int64_t length : lengths) {
    for (const std::string& task : tasks) {
      for (const Line& line : lines(options.quick)) {
        for (int64_t seed = 1; seed <= options.seeds; ++seed) {
          Words words = {"task=" + task,
                         str("seed=", seed),
                         str("min_length=", length),
                         str("length=", length),
                         "train_size=100000",
                         "batch=64",
                         "width=32",
                         str("steps=", options.quick ? 400 : kSteps)};
          words.insert(words.end(), line.words.begin(), line.words.end());
          jobs.push_back(job_words({line.name, task, {length}, words}));
        }
      }
    }
  }
  return jobs;
}

// At length 16, or the longest of the quick version: what the worst seed of attention and the best
// one of the fixed vector do.
std::vector<Claim> claims(const Results& results) {
  const double length = std::min(16.0, results.xs().back());
  std::vector<Claim> claims;
  for (const char* task : {"copy", "reverse"}) {
    for (const std::string& line : results.lines()) {
      const Spread exact = results.at(line, length, task);
      if (exact.count == 0) continue;
      const bool fixed = line == kFixed;
      claims.push_back(
          {str(task, " at length ", length, ", ", line, ": ", fixed ? "at most " : "at least ",
               short_number(fixed ? exact.high : exact.low, 4), " % exact with every seed; ",
               fixed ? "below 60" : "100", " is claimed"),
           fixed ? exact.high < 60 : exact.low >= 100});
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
          "For each length a model of its own, trained on sequences of that length of 10 symbols, "
          "in 1500 steps of 64\n(400 of the quick version), writes 256 held-out ones, symbol by "
          "symbol. The recurrent ones are a\nbidirectional LSTM and an LSTM of width 32, learning "
          "rate 5e-3; the Transformer has 1 + 1 layers of\nwidth 32 and 4 heads, learning rate "
          "3e-3.",
      .figures = {{"copy", "copy: exact sequences, %", length, exact},
                  {"reverse", "reverse: exact sequences, %", length, exact}},
      .jobs = jobs,
      .run = run_training_job,
      .claims = claims,
  };
}

}  // namespace qkv::examples
