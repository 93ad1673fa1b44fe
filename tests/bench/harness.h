// One measurement: ours, the peers and a peak take turns on the same data,
//
//   peak  ours  peer  peer ...  |  peer  peer ...  ours  peak  |  ...      a round, and its mirror
//
// each for a burst of about a millisecond, and the median of every contender's bursts counts. A
// disturbance hits them alike, and so do a falling clock and a warming cache. Before that, every
// contender's result is compared with ours, so that all do the same work.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "tests/bench/peaks.h"
#include "tests/bench/peer.h"

namespace qkv::bench {

struct Contender {
  std::string name;
  Call once;                                     // does the work one time
  std::function<double(int64_t calls)> seconds;  // that so many calls take
};

// A contender in this process; the clock is ours.
[[nodiscard]] Contender contender(std::string name, Call call);

using Output = std::variant<std::span<float>, std::span<double>>;

struct Peak {
  std::string name, unit;        // "FMA float32", "GFLOP/s"
  std::function<Burst()> burst;  // empty if the row has no peak
  double work = 0;               // what one call does, in the peak's unit of work
};

struct Case {
  std::string unit;  // "GFLOP/s", "Gelem/s", "GB/s", "steps/s"
  double work;       // what one call does, in that unit of work
  Peak peak;
  std::vector<Output> outputs;        // where each contender leaves its result
  double tolerance;                   // of a difference, relative to our largest number
  std::vector<Contender> contenders;  // ours first
};

// What a benchmark found. Speeds are work per second, in `unit`.
struct Row {
  std::string name, unit;
  double ours = 0;
  std::string peak_name = {}, peak_unit = {};
  double peak = 0, percent_of_peak = 0;                    // 0 if there is no peak
  std::vector<std::pair<std::string, double>> peers = {};  // speeds
  std::map<std::string, double> differences = {};          // of a peer's result from ours, relative
  std::map<std::string, double> extra = {};  // named figures beside the speed, such as bytes
};

// The peer with the highest speed, or null.
[[nodiscard]] const std::pair<std::string, double>* best_peer(const Row& row);

// Throws std::runtime_error if a contender's result differs from ours.
[[nodiscard]] Row measure(const std::string& name, const Case& work);

// The work on two threads against the same on one; the peak is two threads' FMA probes together,
// and row.extra says how much faster these were than one. gflop is the arithmetic of one call.
[[nodiscard]] Row measure_two_threads(const std::string& name, const std::string& unit, double work,
                                      double gflop, std::vector<Output> outputs, const Call& call);

// Peaks that rows name.
template <class T>
[[nodiscard]] Peak fma_peak(double gflop);
[[nodiscard]] Peak copy_peak(int64_t bytes_of_each_copy, double gigabytes);

}  // namespace qkv::bench
