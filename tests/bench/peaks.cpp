// The bursts, and the clock around them.
#include "tests/bench/peaks.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "lib/simd/dispatch.h"

namespace qkv::lib {
namespace {

template <class T>
struct Kernels {
  T (*fma_chains)(int64_t rounds);
  int64_t flops_per_round;
};

#define QKV_KERNELS "tests/bench/probe.inl"
#include "lib/simd/every_isa.inl"

}  // namespace

static volatile double sink;  // a result that goes here cannot be left out

// Of the set in use: the kernels are in the unnamed namespace above, so they are called from here.
template <class T>
static double run_chains(int64_t rounds) {
  sink = static_cast<double>(kernels<T>().fma_chains(rounds));
  return static_cast<double>(rounds * kernels<T>().flops_per_round) / 1e9;
}

}  // namespace qkv::lib

namespace qkv::bench {
namespace {

// A round takes 7 cycles, or as many as 14 calls of the C library's fma.
int64_t rounds() { return lib::active_isa() == lib::Isa::scalar ? 5'000 : 100'000; }

template <class Work>
Burst timed(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  const double done = work();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return {done, took.count()};
}

}  // namespace

template <class T>
Burst fma_burst() {
  return timed([] { return lib::run_chains<T>(rounds()); });
}
template Burst fma_burst<float>();
template Burst fma_burst<double>();

Burst two_threads_fma_burst() {
  const int64_t many = 50 * rounds();  // so that starting the thread does not count
  return timed([many] {
    double other = 0;
    std::thread second([&other, many] { other = lib::run_chains<float>(many); });
    const double mine = lib::run_chains<float>(many);
    second.join();
    return mine + other;
  });
}

Burst copy_burst(int64_t bytes) {
  static std::vector<char> from, to;
  const auto size = static_cast<size_t>(bytes);
  if (from.size() < size) from.assign(size, 1), to.assign(size, 2);
  const int64_t times = std::max<int64_t>(1, 4'000'000 / bytes);
  return timed([&] {
    for (int64_t i = 0; i < times; ++i) {
      std::memcpy(to.data(), from.data(), size);
      lib::sink = to[size - 1];
    }
    return 2e-9 * static_cast<double>(bytes * times);
  });
}

}  // namespace qkv::bench
