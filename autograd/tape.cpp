// How a closure is asked what it holds: copying it copies every Saved in it, and while somebody
// listens, a Saved that is copied says so. Nothing has to be listed when an operation is recorded.
#include "autograd/tape.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "autograd/graph.h"
#include "lib/memory.h"
#include "lib/text.h"

namespace qkv::autograd {
namespace {

thread_local std::vector<Variable>* listener = nullptr;

struct Listen {
  explicit Listen(std::vector<Variable>& list) { listener = &list; }
  ~Listen() { listener = nullptr; }
  Listen(const Listen&) = delete;
  Listen& operator=(const Listen&) = delete;
};

using Blocks = std::set<const tensor::Storage*>;

int64_t bytes_of(const Variable& v) { return static_cast<int64_t>(v.value().block().bytes()); }

}  // namespace

Saved::Saved(const Saved& from) : variable_(from.variable_), version_(from.version_) {
  if (listener != nullptr && variable_.defined()) listener->push_back(variable_);
}

std::vector<Variable> saved_by(const Node& node) {
  std::vector<Variable> list;
  {
    const Listen scope(list);
    node.backward.copy_and_drop();
  }
  if (node.result.defined()) list.emplace_back(node.result);
  return list;
}

int64_t saved_bytes(const Node& node) {
  Blocks seen;
  int64_t bytes = 0;
  for (const Variable& saved : saved_by(node)) {
    if (seen.insert(&saved.value().block()).second) bytes += bytes_of(saved);
  }
  return bytes;
}

TapeMemory tape_memory(const Variable& result, const std::vector<Variable>& parameters) {
  const auto nodes = nodes_behind(result);
  TapeMemory memory;
  Blocks seen, of_parameters;
  for (const Variable& parameter : parameters) of_parameters.insert(&parameter.value().block());
  for (const auto& node : nodes) {
    for (const Variable& saved : saved_by(*node)) {
      if (saved.node() && saved.node()->is_leaf()) of_parameters.insert(&saved.value().block());
    }
  }
  std::map<std::string, TapeRow> rows;
  for (const auto& node : nodes) {
    if (node->is_leaf()) continue;
    TapeRow& row = rows[node->op];
    row.nodes += 1;
    for (const Variable& saved : saved_by(*node)) {
      const tensor::Storage* const block = &saved.value().block();
      if (!seen.insert(block).second) continue;
      if (of_parameters.contains(block)) {
        memory.parameter_bytes += bytes_of(saved);
      } else {
        row.tensors += 1;
        row.bytes += bytes_of(saved);
      }
    }
  }
  memory.total.op = "total";
  for (auto& [op, row] : rows) {
    row.op = op;
    memory.total.nodes += row.nodes;
    memory.total.tensors += row.tensors;
    memory.total.bytes += row.bytes;
    memory.rows.push_back(row);
  }
  std::stable_sort(memory.rows.begin(), memory.rows.end(),
                   [](const TapeRow& a, const TapeRow& b) { return a.bytes > b.bytes; });
  memory.node_bytes = static_cast<int64_t>(nodes.size() * sizeof(Node));
  return memory;
}

std::string TapeMemory::str() const {
  std::string text;
  const auto add = [&](const std::string& a, const std::string& b, const std::string& c,
                       const std::string& d) {
    const auto left = [](std::string s, size_t width) {
      s.resize(std::max(s.size(), width), ' ');
      return s;
    };
    const auto right = [](const std::string& s, size_t width) {
      return std::string(width - std::min(s.size(), width), ' ') + s;
    };
    text += left(lib::escaped(a), 18) + right(b, 8) + right(c, 10) + right(d, 12) + "\n";
  };
  add("operation", "nodes", "tensors", "saved");
  for (const TapeRow& row : rows) {
    add(row.op, std::to_string(row.nodes), std::to_string(row.tensors), bytes_text(row.bytes));
  }
  add("total", std::to_string(total.nodes), std::to_string(total.tensors), bytes_text(total.bytes));
  text += "besides: parameters " + bytes_text(parameter_bytes) + ", nodes " +
          bytes_text(node_bytes) + "\n";
  return text;
}

PassMemory backward_memory(const Variable& output, const Variable& cotangent,
                           BackwardOptions options) {
  lib::reset_peak_memory();
  PassMemory memory{.before = lib::memory_stats().live_bytes};
  backward(output, cotangent, options);
  memory.peak = lib::memory_stats().peak_bytes;
  memory.after = lib::memory_stats().live_bytes;
  return memory;
}

std::string bytes_text(int64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double amount = static_cast<double>(bytes) / 1024;
  const char* unit = "KiB";
  for (const char* const next : {"MiB", "GiB", "TiB"}) {
    if (amount < 1024) break;
    amount /= 1024;
    unit = next;
  }
  char text[40];
  std::snprintf(text, sizeof text, "%.1f %s", amount, unit);
  return text;
}

}  // namespace qkv::autograd
