// The program behind ./qkv bench, on Google Benchmark, which brings the choice by name and the
// listing; how one benchmark is measured is in harness.h.
//
//   qkv-bench [--benchmark_filter=REGEX] [--benchmark_list_tests] [--json=FILE]
#include <benchmark/benchmark.h>

#include <cstdio>
#include <exception>
#include <fstream>

#include "lib/cpu.h"
#include "lib/parallel.h"
#include "lib/random.h"
#include "tests/bench/memory.h"
#include "tests/bench/report.h"
#include "tests/bench/suite.h"

namespace qkv::bench {

std::vector<Row>& rows() {
  static std::vector<Row> found;
  return found;
}

// One iteration is a whole measurement, rounds and medians included: measure() does the timing, and
// the clock of Google Benchmark is not asked (--benchmark_min_time=0, below).
void add(const std::string& name, std::function<Row(const std::string&)> run) {
  benchmark::RegisterBenchmark(name.c_str(), [name, run](benchmark::State& state) {
    for (auto _ : state) {
      try {
        rows().push_back(run(name));
      } catch (const std::exception& error) {
        state.SkipWithError(error.what());
        return;
      }
    }
  });
}

template <class T>
std::vector<T> random_numbers(int64_t n, uint64_t seed) {
  lib::Generator generator(seed);
  std::vector<T> values(static_cast<size_t>(n));
  for (T& v : values) v = static_cast<T>(generator.normal());
  return values;
}
template std::vector<float> random_numbers(int64_t, uint64_t);
template std::vector<double> random_numbers(int64_t, uint64_t);

namespace {

// Prints each row as soon as it is found.
class Printer : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override {
    std::printf("%s\n", head_lines().c_str());
    return true;
  }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.error_occurred) {
        std::printf("%s: %s\n", run.benchmark_name().c_str(), run.error_message.c_str());
        failed = true;
      } else {
        std::printf("%s\n", line_of(rows().back()).c_str());
      }
    }
    std::fflush(stdout);
  }
  bool failed = false;
};

// Takes --NAME=VALUE out of the arguments, since Google Benchmark reads the others.
std::string take_option(const std::string& name, std::vector<char*>& arguments) {
  for (size_t i = 1; i < arguments.size(); ++i) {
    const std::string argument = arguments[i];
    if (!argument.starts_with("--" + name + "=")) continue;
    arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(i));
    return argument.substr(name.size() + 3);
  }
  return {};
}

int run(int argc, char** argv) {
  std::vector<char*> arguments(argv, argv + argc);
  tell_peers_their_settings();
  lib::set_num_threads(1);
  add_matmul();
  add_math();
  add_rows();
  add_attention();
  add_graph();
  add_steps();
  if (const std::string name = take_option("memory-of", arguments); !name.empty()) {
    return print_memory_of(name) ? 0 : 2;
  }
  const std::string file = take_option("json", arguments);
  char once[] = "--benchmark_min_time=0";
  arguments.insert(arguments.begin() + 1, once);
  argc = static_cast<int>(arguments.size());
  benchmark::Initialize(&argc, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(argc, arguments.data())) return 2;
  Printer printer;
  if (benchmark::RunSpecifiedBenchmarks(&printer) == 0) return 1;
  if (!file.empty()) {
    std::ofstream out(file);
    out << json_of(rows());
    if (!out.flush()) {
      std::fprintf(stderr, "qkv-bench: cannot write %s\n", file.c_str());
      return 1;
    }
  }
  return printer.failed ? 1 : 0;
}

}  // namespace
}  // namespace qkv::bench

int main(int argc, char** argv) { return qkv::bench::run(argc, argv); }
