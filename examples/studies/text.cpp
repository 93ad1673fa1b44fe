// What attention replaced: an n-gram model has seen what followed the last n - 1 characters and
// knows nothing of what came before them. A Transformer may look at the whole line.
//
//   the big black cat sle?      order 5 sees "sle", order 8 "cat sle"; that it was one cat and
//                               not several is further back
//
// No model can be less surprised than the grammar that wrote the lines.
#include <cmath>

#include "examples/lab/task_text.h"
#include "examples/lab/text_run.h"
#include "examples/studies/studies.h"
#include "examples/studies/training.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

using lib::str;

constexpr const char* kCounting = "n-grams";
constexpr const char* kTransformer = "Transformer";
constexpr const char* kGrammar = "the grammar itself";
constexpr const char* kMeasure = "perplexity";

// Longest orders of the n-grams.
std::vector<int64_t> orders(bool quick) {
  if (quick) return {1, 2, 4};
  return {1, 2, 3, 4, 5, 6, 8, 10, 12, 16};
}

std::vector<Words> jobs(const StudyOptions& options) {
  std::vector<Words> jobs;
  for (const char* line : {kTransformer, kCounting}) {
    for (int64_t seed = 1; seed <= options.seeds; ++seed) {
      Words words = {"task=text", str("seed=", seed)};
      words.push_back(line == kCounting ? "model=ngram" : "model=decoder");
      if (options.quick) words.insert(words.end(), {"test_size=300", "train_size=5000"});
      if (options.quick && line == kTransformer) words.push_back("steps=150");
      jobs.push_back(job_words({line, kMeasure, orders(options.quick), words}));
    }
  }
  return jobs;
}

double by_the_grammar(const Task& task) {
  return std::exp2(grammar_bits_per_character(task, Split::test, task.test_size));
}

// The Transformer and the grammar do not depend on an order: they are levels to compare with.
std::vector<Point> run(const Words& words) {
  const TrainingJob job = parse_training_job(words);
  std::vector<Point> points;
  if (job.line == kCounting) {
    Config config = parse_config(job.words);
    const Task task = make_task(config);
    for (const int64_t order : job.lengths) {
      config.model.order = order;
      const double perplexity = run_ngrams(task, config).test.perplexity();
      points.push_back({kCounting, static_cast<double>(order), {{kMeasure, perplexity}}});
    }
    return points;
  }
  const Trained model = trained(job.words);
  const double perplexity = predict(*model.model, model.task, Split::test).perplexity();
  for (const int64_t order : job.lengths) {
    const auto x = static_cast<double>(order);
    points.push_back({kTransformer, x, {{kMeasure, perplexity}}});
    points.push_back({kGrammar, x, {{kMeasure, by_the_grammar(model.task)}}});
  }
  return points;
}

std::vector<Claim> claims(const Results& results) {
  const double longest = results.xs().back();
  Spread best = results.at(kCounting, longest, kMeasure);
  for (const double order : results.xs()) {
    const Spread counting = results.at(kCounting, order, kMeasure);
    if (counting.mean < best.mean) best = counting;
  }
  const Spread attention = results.at(kTransformer, longest, kMeasure);
  const Spread grammar = results.at(kGrammar, longest, kMeasure);
  std::vector<Claim> claims = {
      {str("nobody is less surprised than the grammar: ", short_number(grammar.mean, 4),
           " against ", short_number(attention.mean, 4), " (Transformer) and ",
           short_number(best.mean, 4), " (best n-grams)"),
       grammar.mean < attention.mean && grammar.mean < best.mean},
      {str("longer orders help, as far as they go: ",
           short_number(results.at(kCounting, results.xs().front(), kMeasure).mean, 4),
           " falls to ", short_number(best.mean, 4)),
       best.mean < 0.5 * results.at(kCounting, results.xs().front(), kMeasure).mean}};
  if (longest < 16) return claims;  // the quick version trains too little for the rest
  claims.push_back(
      {str("the Transformer with every seed, at most ", short_number(attention.high, 4),
           ", does better than the best n-grams, at least ", short_number(best.low, 4)),
       attention.high < best.low});
  return claims;
}

}  // namespace

Study text_study() {
  return {
      .name = "text",
      .question = "Does looking back predict a text better than counting what followed?",
      .setting =
          "Lines of the phrase grammar, character by character; each seed has a text of its own. "
          "Perplexity on\nheld-out lines: 2 is as unsure as between two characters. N-grams of up "
          "to that order, smoothing and\nits parameter chosen on validation lines; a causal "
          "Transformer of 2 layers (./qkv train text), after 1500\nsteps (150 of the quick "
          "version), and the grammar's own probabilities, which are the same at every order.",
      .figures = {{kMeasure, "perplexity", {"longest order"}, {"perplexity", Scale::log2}}},
      .jobs = jobs,
      .run = run,
      .claims = claims,
  };
}

}  // namespace qkv::examples
