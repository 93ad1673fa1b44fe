// The tables of the README, from small results made up here.
#include "tests/bench/table.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

using qkv::bench::tables_of;
using qkv::bench::with_tables;

namespace {

std::string result_with(const std::string& rows) {
  return R"({"machine": {"processor": "Abacus", "processors": 2, "isa": "scalar",
             "compiler": "13"}, "peaks": {"FMA float32, GFLOP/s": 214.3}, "rows": [)" +
         rows + "]}";
}

const std::string kRow = R"({"name": "matmul/64/AB", "unit": "GFLOP/s", "qkv": 205.04,
  "peak": {"name": "FMA", "unit": "GFLOP/s", "value": 214.3}, "percent_of_peak": 95.68,
  "peers": {"BLIS": 43.2, "OpenBLAS": 210.6}, "best_peer": "OpenBLAS", "ratio": 0.9736})";

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a row of a result becomes a column of a table, a slower one than a peer's too") {
  const std::string text = tables_of(result_with(kRow));
  CHECK(has(text, "Abacus, 2 processors, kernels scalar"));
  CHECK(has(text, "FMA float32, GFLOP/s 214"));
  CHECK(has(text, "| n | 16 | 32 | 64 |"));
  CHECK(has(text, "| **A B** | - | - | 205 | - |"));
  CHECK(has(text, "| of the peak | - | - | 95.7 % | - |"));
  CHECK(has(text, "| best peer | - | - | OpenBLAS 211 | - |"));
  CHECK(has(text, "| ratio | - | - | 0.974 | - |"));
}

TEST_CASE("lines and tables without any row are left out") {
  const std::string text = tables_of(result_with(kRow));
  CHECK(!has(text, "float64"));
  CHECK(!has(text, "Training steps"));
  CHECK(has(tables_of(result_with(R"({"name": "step/uva", "unit": "steps/s", "qkv": 177.2})")),
            "| **step** | 177 | - |"));
}

TEST_CASE("figures beside the speed have lines of their own") {
  const std::string row = R"({"name": "step/uva", "unit": "steps/s", "qkv": 177.2,
                              "extra": {"MB qkv": 12.91}})";
  CHECK(has(tables_of(result_with(row)), "| MB qkv | 12.9 | - |"));
}

TEST_CASE("what no benchmark has written is refused with a reason") {
  for (const char* text : {"", "{}", "[1]", R"({"machine": 1, "peaks": {}, "rows": []})"}) {
    CHECK_THROWS_AS((void)tables_of(text), std::invalid_argument);
  }
}

TEST_CASE("the tables replace what stands between the markers, and nothing else") {
  const std::string page =
      "above\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nbelow <!-- bench -->\n";
  CHECK(with_tables(page, "new\n") ==
        "above\n<!-- bench: begin -->\nnew\n<!-- bench: end -->\nbelow <!-- bench -->\n");
  CHECK(with_tables(with_tables(page, "new\n"), "old\n") == page);
}

TEST_CASE("a page without its two markers, or with more, is refused") {
  const std::string begin = qkv::bench::kBegin, end = qkv::bench::kEnd;
  for (const std::string& page :
       {std::string("nothing"), begin, end, end + begin, begin + begin + end, begin + end + end}) {
    CHECK_THROWS_AS((void)with_tables(page, "new\n"), std::invalid_argument);
  }
}
