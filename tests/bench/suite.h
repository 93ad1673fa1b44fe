// The benchmarks: each file of the suite registers its own, by names such as "matmul/256/AB" that a
// filter can pick. A name's data is made when the benchmark runs, not when it is registered.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/bench/harness.h"

namespace qkv::bench {

// run() measures and returns the row; it is called at most once.
void add(const std::string& name, std::function<Row(const std::string& name)> run);

// The rows found so far.
[[nodiscard]] std::vector<Row>& rows();

// Numbers of a standard normal distribution, the same ones each time.
template <class T = float>
[[nodiscard]] std::vector<T> random_numbers(int64_t n, uint64_t seed = 1);

void add_matmul();     // matmul_bench.cpp
void add_math();       // math_bench.cpp
void add_rows();       // rows_bench.cpp
void add_attention();  // attention_bench.cpp
void add_graph();      // graph_bench.cpp
void add_steps();      // step_bench.cpp

}  // namespace qkv::bench
