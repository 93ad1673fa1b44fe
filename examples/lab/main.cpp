// The program behind ./qkv train. Next: trainer.h.
//
// Exit codes: 0 done, 1 failed, 2 usage, 130 interrupted (after saving).
#include <csignal>
#include <cstdio>
#include <iostream>

#include "examples/lab/program.h"
#include "examples/lab/progress.h"
#include "examples/lab/report.h"
#include "examples/lab/run.h"
#include "examples/lab/stopwatch.h"
#include "examples/lab/text_run.h"
#include "lib/text.h"
#include "nn/checkpoint.h"

namespace {

using namespace qkv;
using namespace qkv::examples;

volatile std::sig_atomic_t interrupted = 0;

// The first interrupt ends the training after the step in progress; the second ends the program.
extern "C" void on_interrupt(int signal) {
  interrupted = 1;
  std::signal(signal, SIG_DFL);
}

const char* const kUsage =
    "usage: qkv train TASK [key=value ...]     train on a task; a model trained by steps is\n"
    "                                          written to runs/NAME/\n"
    "       qkv train --help                   every key, what is allowed, and its default\n";

int print_train_help() {
  std::cout << "usage: qkv train TASK [key=value ...]\n\ntasks\n";
  for (const std::string& name : task_names()) {
    std::cout << "  " << name << ": " << task_description(name) << "\n";
  }
  std::cout << "\nkeys\n" << config_help();
  return 0;
}

// "16 symbols in, 16 out" or, with lengths that vary, "up to"; of a text, "up to 60 symbols".
std::string sizes_text(const Task& task) {
  const int64_t in = task.longest_source(Split::test), out = task.longest_target(Split::test);
  const char* const most = task.min_length == task.length && in > 0 ? "" : "up to ";
  if (in == 0) return lib::str(most, out, " symbols");
  return lib::str(most, in, " symbols in, ", out, " out");
}

void print_setting(const Config& config, const Task& task, Model& model, int64_t parameters) {
  std::cout << "task     " << config.task << ": " << task_description(config.task) << "\n"
            << "data     " << sizes_text(task) << "; " << task.train_size
            << " sequences to train on, " << task.validation_size << " to validate, "
            << task.test_size << " to test\n"
            << "model    " << model.description() << ": " << parameters << " parameters\n"
            << "training " << config.steps << " steps of " << config.batch << " sequences, "
            << config.optimizer << ", seed " << config.seed << "\n\n";
  const std::string table = model.lesson_table(make_batch(task, Split::train, 0, 16));
  if (!table.empty()) {
    std::cout << "two of its lessons: what it reads, what it should say, what counts\n"
              << table << "\n";
  }
  std::cout << std::flush;
}

// What a model of text makes of it; and beside a model that continues it, what it has replaced.
void print_text(Model& model, const Task& task, const Config& config, const Result& r) {
  std::cout << "what it makes of text\n";
  for (const std::string& line : model.samples(3)) std::cout << "  " << line << "\n";
  std::cout << "\n";
  if (config.model.kind != "decoder") return;
  std::cout << show_beside(run_ngrams(task, config), task,
                           TextModel{.name = model.description(),
                                     .test = r.prediction->perplexity(),
                                     .longer = r.longer_prediction->perplexity()})
            << "\n";
}

void print_answers(Model& model, const Task& task) {
  std::cout << (task.test_size < 3 ? "held-out sequences\n" : "three held-out sequences\n")
            << show_predictions(model, task, 3) << "\n"
            << "where it looks, in the first of them: rows are queries, columns are keys\n"
            << show_attention(model, make_batch(task, Split::test, 0, 1)) << "\n";
}

void print_result(Model& model, const Task& task, const Config& config, const std::string& folder,
                  double seconds, int64_t steps) {
  const Result r = measure(model, task);
  if (r.prediction) {
    print_text(model, task, config, r);
  } else {
    print_answers(model, task);
  }
  std::cout << "saved in " << folder << ": config.json, metrics.jsonl, model.safetensors\n";
  if (r.alignment_error) std::cout << show_alignment_error(*r.alignment_error, task) << "\n";
  if (r.longer) {
    std::cout << "longer:     " << show_accuracy(*r.longer) << "\n"
              << "validation: " << show_accuracy(r.validation) << "\n";
  }
  const char* const of = config.model.kind == "encoder" ? " of hidden characters" : "";
  std::cout << config.task << ": "
            << (r.prediction ? show_prediction(*r.prediction) + of : show_accuracy(r.test))
            << lib::str(", ", r.parameters, " parameters, ", steps, " steps, ") << std::flush;
  std::printf("%.1f s\n", seconds);
}

// Counting is all its training: no steps, no run folder.
int run_ngram(const Config& config) {
  const Task task = make_task(config);
  const NGramRun run = run_ngrams(task, config);
  std::cout << show_ngrams(run, task) << "\n" << show_beside(run, task) << std::flush;
  std::printf("text: the best n-gram has order %lld: %.4f bits per character, perplexity %.4f\n",
              static_cast<long long>(run.best.order), run.test.bits_per_character(),
              run.test.perplexity());
  return 0;
}

int run_training(const Config& config) {
  const Task task = make_task(config);
  const auto model = make_model(config);
  RunFolder folder("runs", config.name);
  print_setting(config, task, *model, model->module().parameter_count());

  const Stopwatch watch;
  Progress progress(stderr_progress(config.steps, config.batch));
  const TrainingEnd end = train(
      *model, task, config,
      [&](const Metrics& m) {
        folder.log(m);
        progress.update(m.step, m.loss, m.accuracy);
      },
      [] { return interrupted != 0; });
  progress.finish();
  const double seconds = watch.seconds();
  folder.publish(config_json(config),
                 [&](const std::string& path) { nn::save_parameters(path, model->module()); });
  if (end.interrupted) {
    std::cout << "interrupted after " << end.steps << " of " << config.steps << " steps; saved in "
              << folder.path() << "\n";
    return 130;
  }
  print_result(*model, task, config, folder.path(), seconds, end.steps);
  return 0;
}

int run_words(const std::vector<std::string>& words) {
  if (words.empty() || words[0] != "train") {
    std::cerr << kUsage;
    return 2;
  }
  std::vector<std::string> settings(words.begin() + 1, words.end());
  if (settings.empty() || settings[0] == "--help" || settings[0] == "-h") return print_train_help();
  if (settings[0].find('=') == std::string::npos) settings[0] = "task=" + settings[0];
  const Config config = parse_config(settings);
  return config.model.kind == "ngram" ? run_ngram(config) : run_training(config);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  return run_program(argc, argv, run_words);
}
