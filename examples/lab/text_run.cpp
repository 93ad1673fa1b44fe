// Samples, n-grams, and the entropy beside them.
#include "examples/lab/text_run.h"

#include <cmath>
#include <cstdio>

#include "examples/lab/task_text.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

std::string format(const char* pattern, auto... values) {
  char text[160];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

std::vector<Line> lines_of(const Task& task, Split split, int64_t count) {
  std::vector<Line> lines;
  for (int64_t i = 0; i < count; ++i) lines.push_back(example(task, split, i).target);
  return lines;
}

const char* name_of(Smoothing smoothing) {
  return smoothing == Smoothing::add_k ? "add-k" : "Kneser-Ney";
}

}  // namespace

NGramRun run_ngrams(const Task& task, const Config& config) {
  NGramCounts counts(task.target_symbols, config.model.order);
  for (int64_t i = 0; i < task.train_size; ++i) {
    counts.add(example(task, Split::train, i).target);
  }
  NGramRun run;
  run.trials = try_ngrams(counts, lines_of(task, Split::validation, task.validation_size));
  run.best = best_of(run.trials);
  const NGram best(counts, run.best);
  run.test = best.score(lines_of(task, Split::test, task.test_size));
  run.longer = best.score(lines_of(task, Split::longer, task.test_size));
  lib::Generator generator(task.seed);
  for (int i = 0; i < 3; ++i) {
    run.samples.push_back(best.sample(generator, task.longest_target(Split::test)));
  }
  return run;
}

std::string show_ngrams(const NGramRun& run, const Task& task) {
  std::string text = "on the validation lines, the best parameter of each\n";
  text += "smoothing   order  parameter  bits per character  perplexity\n";
  for (const NGramTrial& trial : run.trials) {
    text += format("%-10s  %5lld  %9g  %18.4f  %10.4f\n", name_of(trial.settings.smoothing),
                   static_cast<long long>(trial.settings.order), trial.settings.parameter,
                   trial.score.bits_per_character(), trial.score.perplexity());
  }
  text += "\nthree lines drawn from the best\n";
  for (const Line& line : run.samples) text += "  " + target_text(task, line) + "\n";
  return text;
}

std::string show_beside(const NGramRun& run, const Task& task,
                        const std::optional<TextModel>& model) {
  const auto row = [](const std::string& name, double test, double longer) {
    return format("%-36s  %8.4f  %8.4f", name.c_str(), test, longer);
  };
  const auto grammar = [&](Split split) {
    return std::exp2(grammar_bits_per_character(task, split, task.test_size));
  };
  std::string text = "perplexity of a character                 test    longer\n";
  if (model) text += row(model->name, model->test, model->longer) + "\n";
  text += row(lib::str("n-gram, order ", run.best.order, ", ", name_of(run.best.smoothing)),
              run.test.perplexity(), run.longer.perplexity()) +
          "\n";
  text += row("the grammar itself", grammar(Split::test), grammar(Split::longer));
  return text + format("   (of all its lines: %.4f)\n", text_entropy().perplexity);
}

}  // namespace qkv::examples
