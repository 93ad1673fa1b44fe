// Lines and JSON.
#include "tests/bench/report.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "lib/cpu.h"
#include "lib/text.h"

namespace qkv::bench {
namespace {

using Json = nlohmann::ordered_json;

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

Json machine() {
  return {{"processor", processor_name()},
          {"processors", std::thread::hardware_concurrency()},
          {"isa", lib::isa_name(lib::active_isa())},
          {"compiler", __VERSION__}};
}

// Five digits say all that a timing knows.
double rounded(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.5g", value);
  return std::strtod(text, nullptr);
}

// The fastest of seven bursts, in work per second: at first, threads may share a processor.
double speed(const std::function<Burst()>& burst) {
  double fastest = 0;
  for (int i = 0; i < 7; ++i) {
    const Burst b = burst();
    fastest = std::max(fastest, b.work / b.seconds);
  }
  return rounded(fastest);
}

Json measure_peaks() {
  Json peaks;
  const lib::Isa active = lib::active_isa();
  for (const lib::Isa isa : lib::supported_isas()) {
    if (isa == lib::Isa::scalar) continue;
    lib::set_active_isa(isa);
    for (const Peak& peak : {fma_peak<float>(1), fma_peak<double>(1)}) {
      peaks[lib::str(peak.name, ", ", peak.unit)] = speed(peak.burst);
    }
  }
  lib::set_active_isa(active);
  peaks["two threads, FMA float32, GFLOP/s"] = speed(two_threads_fma_burst);
  peaks["copy in cache (256 KiB), GB/s"] = speed([] { return copy_burst(256 << 10); });
  peaks["copy in memory (64 MiB), GB/s"] = speed([] { return copy_burst(64 << 20); });
  return peaks;
}

const Json& peaks() {
  static const Json measured = measure_peaks();
  return measured;
}

Json json_of(const Row& row) {
  Json j{{"name", row.name}, {"unit", row.unit}, {"qkv", rounded(row.ours)}};
  if (row.peak > 0) {
    j["peak"] = {{"name", row.peak_name}, {"unit", row.peak_unit}, {"value", rounded(row.peak)}};
    j["percent_of_peak"] = rounded(row.percent_of_peak);
  }
  for (const auto& [name, value] : row.peers) j["peers"][name] = rounded(value);
  for (const auto& [name, value] : row.differences) j["differences"][name] = rounded(value);
  if (const auto* best = best_peer(row)) {
    j["best_peer"] = best->first;
    j["ratio"] = rounded(row.ours / best->second);
  }
  for (const auto& [name, value] : row.extra) j["extra"][name] = rounded(value);
  return j;
}

template <class... Arguments>
std::string format(const char* pattern, Arguments... arguments) {
  char text[200];
  std::snprintf(text, sizeof text, pattern, arguments...);
  return text;
}

}  // namespace

std::string line_of(const Row& row) {
  std::string line = format("%-28s %9.4g %s", row.name.c_str(), row.ours, row.unit.c_str());
  if (row.peak > 0) {
    line += format("  %5.1f %% of %s %.4g", row.percent_of_peak, row.peak_name.c_str(), row.peak);
  }
  for (const auto& [name, value] : row.peers) line += format("  %s %.4g", name.c_str(), value);
  if (const auto* best = best_peer(row)) line += format("  ratio %.2f", row.ours / best->second);
  for (const auto& [name, value] : row.extra) line += format("  %s %.4g", name.c_str(), value);
  return line;
}

std::string json_of(const std::vector<Row>& rows) {
  std::string text = lib::str("{\"machine\": ", machine().dump(), ",\n \"peaks\": ", peaks().dump(),
                              ",\n \"rows\": [\n");
  for (const Row& row : rows) {
    text += "  " + json_of(row).dump() + (&row == &rows.back() ? "\n" : ",\n");
  }
  return text + "]}\n";
}

std::string head_lines() {
  std::string text = lib::str(processor_name(), ", ", lib::isa_name(lib::active_isa()),
                              ", one thread where no more is said\n");
  for (const auto& [name, value] : peaks().items()) {
    text += format("%-36s %8.1f\n", name.c_str(), value.get<double>());
  }
  return text;
}

}  // namespace qkv::bench
