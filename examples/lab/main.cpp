// The program behind ./qkv train. Next: trainer.h.
//
// Exit codes: 0 done, 1 failed, 2 usage, 130 interrupted (after saving).
#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>

#include "examples/lab/program.h"
#include "examples/lab/progress.h"
#include "examples/lab/report.h"
#include "examples/lab/trainer.h"
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
    "usage: qkv train TASK [key=value ...]     train on a task and write runs/NAME/\n"
    "       qkv train --help                   every key, what is allowed, and its default\n";

int print_train_help() {
  std::cout << "usage: qkv train TASK [key=value ...]\n\ntasks\n";
  for (const std::string& name : task_names()) {
    std::cout << "  " << name << ": " << task_description(name) << "\n";
  }
  std::cout << "\nkeys\n" << config_help();
  return 0;
}

void print_setting(const Config& config, const Task& task, const nn::Module& model) {
  std::cout << "task     " << config.task << ": " << task_description(config.task) << "\n"
            << "data     " << task.length << " of " << task.symbols << " symbols; "
            << task.train_size << " sequences to train on, " << task.validation_size
            << " to validate, " << task.test_size << " to test\n"
            << "model    encoder, width " << config.model.width << ", heads " << config.model.heads
            << ", layers " << config.model.layers << ": " << model.parameter_count()
            << " parameters\n"
            << "training " << config.steps << " steps of " << config.batch << " sequences, "
            << config.optimizer << ", seed " << config.seed << "\n\n"
            << std::flush;
}

int run_training(const Config& config) {
  const Task task = make_task(config);
  const auto model = make_model(config);
  RunFolder folder("runs", config.name);
  print_setting(config, task, *model);

  const auto start = std::chrono::steady_clock::now();
  Progress progress(stderr_progress(config.steps, config.batch));
  const TrainingEnd end = train(
      *model, task, config,
      [&](const Metrics& m) {
        folder.log(m);
        progress.update(m.step, m.loss, m.accuracy);
      },
      [] { return interrupted != 0; });
  progress.finish();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  folder.publish(config_json(config),
                 [&](const std::string& path) { nn::save_parameters(path, *model); });
  if (end.interrupted) {
    std::cout << "interrupted after " << end.steps << " of " << config.steps << " steps; saved in "
              << folder.path() << "\n";
    return 130;
  }
  const Accuracy validation = evaluate(*model, task, Split::validation);
  const Accuracy test = evaluate(*model, task, Split::test);
  std::cout << "three held-out sequences\n"
            << show_predictions(*model, task, 3) << "\n"
            << "where it looks, in the first of them: rows are queries, columns are keys\n"
            << show_attention(*model, task) << "\n"
            << "saved in " << folder.path() << ": config.json, metrics.jsonl, model.safetensors\n"
            << "validation: " << show_accuracy(validation) << "\n";
  std::printf("%s: %s, %lld parameters, %lld steps, %.1f s\n", config.task.c_str(),
              show_accuracy(test).c_str(), static_cast<long long>(model->parameter_count()),
              static_cast<long long>(end.steps), seconds);
  return 0;
}

int run(const std::vector<std::string>& words) {
  if (words.empty() || words[0] != "train") {
    std::cerr << kUsage;
    return 2;
  }
  std::vector<std::string> settings(words.begin() + 1, words.end());
  if (settings.empty() || settings[0] == "--help" || settings[0] == "-h") return print_train_help();
  if (settings[0].find('=') == std::string::npos) settings[0] = "task=" + settings[0];
  return run_training(parse_config(settings));
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  return run_program(argc, argv, run);
}
