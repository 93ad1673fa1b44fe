// A golden file: calls of operations whose results and gradients another library has worked out.
// tests/golden/README.md has the format. Here it is as plain structures, checked when it is read;
// golden_call.h hands one case to an operation, verify.h compares what comes back.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tensor/tensor.h"

namespace qkv::examples {

using tensor::Dtype;
using tensor::Shape;
using tensor::Tensor;

// Things with names, in the order of the file, no name twice.
template <class T>
using Named = std::vector<std::pair<std::string, T>>;

// The one of that name, or null.
template <class T>
[[nodiscard]] const T* find_named(const Named<T>& list, const std::string& name) {
  for (const auto& entry : list) {
    if (entry.first == name) return &entry.second;
  }
  return nullptr;
}

using NamedTensors = Named<Tensor>;  // float64, int64 or bool

using Attribute = std::variant<bool, int64_t, double, std::string, std::vector<double>>;

struct GoldenCase {
  std::string place;  // where it stands in the file: "cases[3]"
  std::string name, op;
  Named<Attribute> attributes;
  NamedTensors inputs;
  NamedTensors outputs;       // what is expected
  NamedTensors grad_outputs;  // the gradients that the outputs receive
  NamedTensors grads;         // what the inputs' gradients are expected to be
};

struct GoldenFile {
  std::string source;  // who worked the results out
  std::vector<GoldenCase> cases;
};

// Throws std::invalid_argument naming the file and the place, "cases[3].inputs.query.data" or a
// line and a column, if the file cannot be read, has more than 64 MiB, is not JSON, or is not of
// the format.
[[nodiscard]] GoldenFile read_golden_file(const std::string& path);

// The same for a text; the messages name the place only.
[[nodiscard]] GoldenFile parse_golden(const std::string& text);

}  // namespace qkv::examples
