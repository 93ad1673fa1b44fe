// The rounds, the medians and the comparison.
#include "tests/bench/harness.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "lib/cpu.h"
#include "lib/parallel.h"
#include "lib/text.h"

namespace qkv::bench {
namespace {

constexpr double kBurstSeconds = 1e-3, kRowSeconds = 0.5;
constexpr int kFewestRounds = 5, kMostRounds = 51;

std::vector<double> copy_of(const Output& output) {
  return std::visit([](auto s) { return std::vector<double>(s.begin(), s.end()); }, output);
}

// Before a contender runs, so that numbers it leaves out are found.
void fill_with_nan(const Case& work) {
  for (const Output& output : work.outputs) {
    std::visit(
        [](auto s) { std::fill(s.begin(), s.end(), std::numeric_limits<double>::quiet_NaN()); },
        output);
  }
}

// max |theirs - ours| / max |ours|; infinite if any is not a number.
double difference(const std::vector<double>& ours, const std::vector<double>& theirs) {
  double largest = 0, apart = 0;
  for (size_t i = 0; i < ours.size(); ++i) {
    largest = std::max(largest, std::abs(ours[i]));
    const double d = std::abs(theirs[i] - ours[i]);
    if (!(d <= std::numeric_limits<double>::max())) return std::numeric_limits<double>::infinity();
    apart = std::max(apart, d);
  }
  return largest > 0 ? apart / largest : apart;
}

void compare_results(const Case& work, Row& row) {
  std::vector<std::vector<double>> ours;
  for (const Contender& c : work.contenders) {
    fill_with_nan(work);
    c.once();
    for (size_t i = 0; i < work.outputs.size(); ++i) {
      if (ours.size() == i) ours.push_back(copy_of(work.outputs[i]));
      const double d = difference(ours[i], copy_of(work.outputs[i]));
      if (!(d <= work.tolerance)) {
        throw std::runtime_error(lib::str("the result of ", c.name, " is ", d, " apart from ours"));
      }
      if (&c != &work.contenders[0]) row.differences[c.name] = std::max(row.differences[c.name], d);
    }
  }
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// How many calls make a burst, and how long that takes.
struct Pace {
  int64_t calls = 1;
  double seconds = 0;
};

Pace pace_of(const Contender& c) {
  Pace pace;
  pace.seconds = c.seconds(1);
  while (pace.seconds < kBurstSeconds / 2 && pace.calls < 1'000'000'000) {
    const double more = kBurstSeconds / std::max(pace.seconds, 1e-7);
    pace.calls =
        std::max(2 * pace.calls, static_cast<int64_t>(more * static_cast<double>(pace.calls)));
    pace.seconds = c.seconds(pace.calls);
  }
  return pace;
}

// The contender with that many threads of ours, in each of its bursts.
Contender on_threads(int threads, Contender c) {
  return {c.name,
          [=] {
            lib::set_num_threads(threads);
            c.once();
          },
          [=](int64_t calls) {
            lib::set_num_threads(threads);
            return c.seconds(calls);
          }};
}

}  // namespace

Contender contender(std::string name, Call call) {
  const auto seconds = [call](int64_t calls) {
    if (calls > 1) call();  // a burst of short calls begins with warm caches
    const auto start = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < calls; ++i) call();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  return {std::move(name), call, seconds};
}

const std::pair<std::string, double>* best_peer(const Row& row) {
  const auto best = std::max_element(row.peers.begin(), row.peers.end(),
                                     [](auto& a, auto& b) { return a.second < b.second; });
  return best == row.peers.end() ? nullptr : &*best;
}

Row measure(const std::string& name, const Case& work) {
  Row row{.name = name, .unit = work.unit};
  compare_results(work, row);
  const size_t count = work.contenders.size();
  std::vector<Pace> paces;
  double round_seconds = 0;
  for (const Contender& c : work.contenders) {
    paces.push_back(pace_of(c));
    round_seconds += paces.back().seconds;
  }
  const int rounds = std::clamp(static_cast<int>(kRowSeconds / round_seconds),
                                round_seconds > 1 ? 3 : kFewestRounds, kMostRounds);

  std::vector<double> peaks;
  std::vector<std::vector<double>> speeds(count);
  const auto take_turn = [&](size_t who) {  // 0 is the peak
    if (who > 0) {
      const int64_t calls = paces[who - 1].calls;
      speeds[who - 1].push_back(work.work * static_cast<double>(calls) /
                                work.contenders[who - 1].seconds(calls));
    } else if (work.peak.burst) {
      const Burst burst = work.peak.burst();
      peaks.push_back(burst.work / burst.seconds);
    }
  };
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i <= count; ++i) take_turn(round % 2 == 0 ? i : count - i);
  }

  row.ours = median(speeds[0]);
  for (size_t i = 1; i < count; ++i)
    row.peers.emplace_back(work.contenders[i].name, median(speeds[i]));
  if (!peaks.empty()) {
    row.peak_name = work.peak.name, row.peak_unit = work.peak.unit;
    row.peak = median(peaks);
    row.percent_of_peak = 100 * row.ours / work.work * work.peak.work / row.peak;
  }
  return row;
}

Row measure_two_threads(const std::string& name, const std::string& unit, double work, double gflop,
                        std::vector<Output> outputs, const Call& call) {
  Row row =
      measure(name, {.unit = unit,
                     .work = work,
                     .peak = {"FMA float32, two threads", "GFLOP/s", two_threads_fma_burst, gflop},
                     .outputs = std::move(outputs),
                     .tolerance = 0,
                     .contenders = {on_threads(2, contender("qkv", call)),
                                    on_threads(1, contender("one thread", call))}});
  lib::set_num_threads(1);
  std::vector<double> gains;
  for (int i = 0; i < 9; ++i) {
    const Burst two = two_threads_fma_burst(), one = fma_burst<float>();
    gains.push_back(two.work / two.seconds / (one.work / one.seconds));
  }
  row.extra["probe's ratio"] = median(gains);
  return row;
}

template <class T>
Peak fma_peak(double gflop) {
  const std::string type = sizeof(T) == 4 ? "float32" : "float64";
  return {lib::str("FMA ", type, " ", lib::isa_name(lib::active_isa())), "GFLOP/s", fma_burst<T>,
          gflop};
}
template Peak fma_peak<float>(double);
template Peak fma_peak<double>(double);

Peak copy_peak(int64_t bytes, double gigabytes) {
  return {lib::str("copy of ", bytes, " bytes"), "GB/s", [bytes] { return copy_burst(bytes); },
          gigabytes};
}

}  // namespace qkv::bench
