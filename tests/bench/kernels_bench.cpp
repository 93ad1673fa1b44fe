// Benchmarks of the kernels, rung by rung, one thread: work per second (GFLOP, Gelem), and for
// matmul the percentage of the FMA peak, which is measured when the program starts.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdio>
#include <vector>

#include "lib/matmul.h"
#include "lib/parallel.h"
#include "lib/random.h"
#include "lib/softmax.h"
#include "lib/vector_math.h"
#include "tests/bench/peaks.h"

namespace qkv::bench {
namespace {

double peak = 0;

std::vector<float> random_numbers(int64_t n) {
  lib::Generator generator(1);
  std::vector<float> values(static_cast<size_t>(n));
  for (float& v : values) v = static_cast<float>(generator.normal());
  return values;
}

using Matmul = void (*)(lib::ProductShape, lib::Matrix<const float>, lib::Matrix<const float>,
                        lib::Matrix<float>);

void run_matmul(benchmark::State& state, Matmul matmul) {
  const int64_t n = state.range(0);
  const std::vector<float> A = random_numbers(n * n), B = random_numbers(n * n);
  std::vector<float> C(A.size());
  const auto start = std::chrono::steady_clock::now();
  for (auto _ : state) {
    matmul({.M = n, .N = n, .K = n}, {A.data(), n, 1}, {B.data(), n, 1}, {C.data(), n, 1});
    benchmark::ClobberMemory();
  }
  const double flops = 2 * static_cast<double>(n * n * n) * static_cast<double>(state.iterations());
  state.counters["GFLOP"] = benchmark::Counter(flops / 1e9, benchmark::Counter::kIsRate);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (peak > 0) state.counters["%peak"] = 100 * flops / took.count() / peak;
}

void run_softmax(benchmark::State& state, void (*softmax)(lib::RowsShape, const float*, float*)) {
  const int64_t n = state.range(0), rows = 65'536 / n;
  const std::vector<float> x = random_numbers(n * rows);
  std::vector<float> y(x.size());
  for (auto _ : state) {
    softmax({.rows = rows, .n = n}, x.data(), y.data());
    benchmark::ClobberMemory();
  }
  state.counters["Gelem"] = benchmark::Counter(
      static_cast<double>(n * rows * state.iterations()) / 1e9, benchmark::Counter::kIsRate);
}

void run_map(benchmark::State& state, lib::Function function) {
  const int64_t n = state.range(0);
  const std::vector<float> x = random_numbers(n);
  std::vector<float> y(x.size());
  for (auto _ : state) {
    lib::map(function, n, x.data(), y.data());
    benchmark::ClobberMemory();
  }
  state.counters["Gelem"] = benchmark::Counter(static_cast<double>(n * state.iterations()) / 1e9,
                                               benchmark::Counter::kIsRate);
}

void register_all() {
  for (const auto& [rung, matmul, largest] :
       {std::tuple<const char*, Matmul, int>{"definition", lib::matmul_definition<float>, 256},
        {"loop_order", lib::matmul_loop_order<float>, 256},
        {"register_tile", lib::matmul<float>, 1024}}) {
    for (const int n : {16, 64, 256, 1024}) {
      if (n > largest) continue;
      benchmark::RegisterBenchmark((std::string("matmul/") + rung).c_str(), run_matmul, matmul)
          ->Arg(n);
    }
  }
  for (const int n : {16, 256, 65'536}) {
    benchmark::RegisterBenchmark("softmax/definition", run_softmax, lib::softmax_definition<float>)
        ->Arg(n);
    benchmark::RegisterBenchmark("softmax/simd", run_softmax, lib::softmax<float>)->Arg(n);
  }
  for (const auto& [name, function] :
       {std::pair{"exp", lib::Function::exp}, std::pair{"tanh", lib::Function::tanh},
        std::pair{"sigmoid", lib::Function::sigmoid}, std::pair{"gelu", lib::Function::gelu}}) {
    benchmark::RegisterBenchmark((std::string("map/") + name).c_str(), run_map, function)
        ->Arg(65'536);
  }
}

}  // namespace
}  // namespace qkv::bench

int main(int argc, char** argv) {
  using namespace qkv;
  lib::set_num_threads(1);
  const lib::Isa isa = lib::active_isa();
  bench::peak = bench::measure_peak_flops(isa);
  std::fprintf(stderr, "instruction set %s, one thread, FMA peak %.1f GFLOP/s\n",
               std::string(lib::isa_name(isa)).c_str(), bench::peak / 1e9);
  bench::register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  return benchmark::RunSpecifiedBenchmarks() == 0 ? 1 : 0;
}
