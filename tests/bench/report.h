// What the benchmarks found, as lines of text and as JSON.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/harness.h"

namespace qkv::bench {

// One row for people: "matmul/256/AB   203.1 GFLOP/s   95 % of FMA ...   OpenBLAS 180.2 ...".
[[nodiscard]] std::string line_of(const Row& row);

// The machine, the peaks of this run, and every row on a line of its own:
//
//   {"machine": {"processor": ..., "isa": ..., ...}, "peaks": {"FMA float32 avx512, GFLOP/s": ...},
//    "rows": [{"name": ..., "unit": ..., "qkv": 203.1, "peak": {...}, "percent_of_peak": 95.1,
//              "peers": {"OpenBLAS": 180.2, ...}, "best_peer": "OpenBLAS", "ratio": 1.13}]}
[[nodiscard]] std::string json_of(const std::vector<Row>& rows);

// "processor: ..." and the peaks, for the head of the listing; measures the peaks once.
[[nodiscard]] std::string head_lines();

}  // namespace qkv::bench
