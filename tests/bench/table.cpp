// A list of tables, and how a line of one is made: a table has a column for each size, and a line
// of it stands for the benchmark whose name has * replaced by the column's size.
//
//   "matmul/*/AB"     n     16    32  ...        our speed
//                     A B   41    93             the best peer and its speed
#include "tests/bench/table.h"

#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "lib/text.h"

namespace qkv::bench {
namespace {

using Json = nlohmann::json;
using Strings = std::vector<std::string>;

struct Line {
  std::string label, names;  // names has a * for the column
};

struct Table {
  std::string caption, corner;
  Strings columns;  // as they stand in names
  std::vector<Line> lines;
  Strings extra = {};  // named figures that lines show besides
};

std::vector<Line> batched_lines() {
  std::vector<Line> lines;
  for (const char* T : {"16", "20", "64", "128"}) {
    lines.push_back({lib::str("Q Kᵀ, T = ", T), lib::str("batched/T", T, "_D*/QKt")});
    lines.push_back({lib::str("P V, T = ", T), lib::str("batched/T", T, "_D*/PV")});
  }
  return lines;
}

std::vector<Table> tables() {
  const Strings rows{"16", "64", "256", "1024", "8192", "65536"};
  return {
      {"Matrix products n x n, GFLOP/s",
       "n",
       {"16", "32", "64", "96", "128", "192", "256", "384", "512", "768", "1024", "2048"},
       {{"A B", "matmul/*/AB"},
        {"A Bᵀ", "matmul/*/ABt"},
        {"Aᵀ B", "matmul/*/AtB"},
        {"A B, float64", "matmul/*/float64"},
        {"A B, AVX2 kernels", "matmul/*/avx2"}}},
      {"64 products of attention side by side, GFLOP/s",
       "D",
       {"8", "16", "32", "64"},
       batched_lines()},
      {"Rows of n, 65,536 numbers in all, Gelem/s",
       "n",
       rows,
       {{"softmax", "softmax/*/forward"},
        {"softmax backward", "softmax/*/backward"},
        {"layer norm", "layer_norm/*/forward"},
        {"layer norm backward", "layer_norm/*/backward"}}},
      {"Functions of 65,536 numbers, Gelem/s",
       "",
       {"exp", "log", "tanh", "sigmoid", "gelu"},
       {{"f(x)", "map/*"}}},
      {"One pass over arrays of 65,536 numbers, Gelem/s",
       "",
       {"sum", "dot", "adamw"},
       {{"pass", "one_pass/*"}}},
      {"Fused attention, forward and backward, GFLOP/s",
       "",
       {"B64_H4_T20_D16", "B4_H8_T256_D64", "B1_H1_T1024_D64", "B1_H1_T4096_D64"},
       {{"attention", "attention/*"}},
       {"MB qkv", "MB PyTorch"}},
      {"A graph of operations on one number, forward and backward, million operations per second",
       "",
       {"tanh", "add", "mul"},
       {{"operation", "graph/*"}},
       {"microseconds"}},
      {"Training steps per second",
       "",
       {"uva", "L2_C64_H4_T20_B64", "L4_C128_H4_T64_B16", "L6_C256_H8_T128_B8",
        "L6_C512_H8_T256_B4"},
       {{"step", "step/*"}},
       {"MB qkv", "MB PyTorch"}},
      {"Two threads",
       "",
       {"matmul/256", "matmul/512", "matmul/1024", "step/L4_C128_H4_T64_B16",
        "step/L6_C256_H8_T128_B8"},
       {{"two threads", "two_threads/*"}},
       {"probe's ratio"}},
  };
}

// Three digits, or all before the point: 0.123, 1.23, 12.3, 123, 1234.
std::string number(double value) {
  const int digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
  char text[40];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string line_of(const std::string& label, const Strings& cells) {
  std::string line = "| " + label + " |";
  for (const std::string& cell : cells) line += " " + cell + " |";
  return line + "\n";
}

using Rows = std::map<std::string, Json>;

// The cells of one line: what `cell` makes of each row, a dash where the row has no such thing.
// Empty if no row has.
template <class Cell>
std::string line_if_any(const std::string& label, const std::vector<const Json*>& found,
                        const Cell& cell) {
  Strings cells;
  bool any = false;
  for (const Json* row : found) {
    cells.push_back(row ? cell(*row) : "");
    any = any || !cells.back().empty();
    if (cells.back().empty()) cells.back() = "-";
  }
  return any ? line_of(label, cells) : "";
}

std::string lines_of(const Line& line, const Table& table, const Rows& rows) {
  std::vector<const Json*> found;
  for (const std::string& column : table.columns) {
    std::string name = line.names;
    name.replace(name.find('*'), 1, column);
    const auto row = rows.find(name);
    found.push_back(row == rows.end() ? nullptr : &row->second);
  }
  std::string text = line_if_any("**" + line.label + "**", found,
                                 [](const Json& row) { return number(row.at("qkv")); });
  text += line_if_any("of the peak", found, [](const Json& row) {
    return row.contains("peak") ? number(row.at("percent_of_peak")) + " %" : "";
  });
  text += line_if_any("best peer", found, [](const Json& row) -> std::string {
    if (!row.contains("best_peer")) return "";
    const std::string name = row.at("best_peer");
    return name + " " + number(row.at("peers").at(name));
  });
  text += line_if_any("ratio", found, [](const Json& row) {
    return row.contains("ratio") ? number(row.at("ratio")) : "";
  });
  for (const std::string& extra : table.extra) {
    text += line_if_any(extra, found, [&extra](const Json& row) {
      return row.contains("extra") && row["extra"].contains(extra) ? number(row["extra"][extra])
                                                                   : "";
    });
  }
  return text;
}

std::string table_text(const Table& table, const Rows& rows) {
  std::string body;
  for (const Line& line : table.lines) body += lines_of(line, table, rows);
  if (body.empty()) return "";
  Strings heads;
  for (std::string column : table.columns) {
    for (char& c : column) {
      if (c == '_') c = ' ';
    }
    heads.push_back(column);
  }
  return lib::str("\n", table.caption, ":\n\n", line_of(table.corner, heads),
                  line_of("---", Strings(heads.size(), "---:")), body);
}

std::string head_text(const Json& all) {
  const Json& machine = all.at("machine");
  std::string text = lib::str(machine.at("processor").get<std::string>(), ", ",
                              machine.at("processors").get<int>(), " processors, kernels ",
                              machine.at("isa").get<std::string>(), ", compiler ",
                              machine.at("compiler").get<std::string>(), ". Peaks of this run: ");
  bool first = true;
  for (const auto& [name, value] : all.at("peaks").items()) {
    text += lib::str(first ? "" : "; ", name, " ", number(value));
    first = false;
  }
  return text + ".\n";
}

}  // namespace

std::string tables_of(const std::string& json) {
  try {
    const Json all = Json::parse(json);
    Rows rows;
    for (const Json& row : all.at("rows")) rows[row.at("name")] = row;
    std::string text = "\n" + head_text(all);
    for (const Table& table : tables()) text += table_text(table, rows);
    return text + "\n";
  } catch (const Json::exception& error) {
    throw std::invalid_argument(lib::str("not a result of ./qkv bench --json: ", error.what()));
  }
}

std::string with_tables(const std::string& page, const std::string& tables) {
  const std::string begin = kBegin, end = kEnd;
  const size_t from = page.find(begin), to = page.find(end);
  if (from == std::string::npos || to == std::string::npos || to < from ||
      page.find(begin, from + 1) != std::string::npos ||
      page.find(end, to + 1) != std::string::npos) {
    lib::fail("the page needs one line \"", begin.substr(0, begin.size() - 1),
              "\" and after it one \"", end.substr(0, end.size() - 1), "\"");
  }
  return page.substr(0, from + begin.size()) + tables + page.substr(to);
}

}  // namespace qkv::bench
