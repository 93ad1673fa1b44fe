// From JSON to structures. A tensor's data is counted against its shape before anything is made of
// it; a key that the format does not have is refused, since it may be one that is misspelt.
#include "examples/checks/golden.h"

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "examples/lab/json_text.h"
#include "examples/lab/progress.h"
#include "lib/file.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

using lib::fail;
using lib::str;

constexpr uint64_t kMaxBytes = 64 << 20;
constexpr const char* kFormat = "qkv-golden-1";

// ---- objects and their keys ---------------------------------------------------------------------

void require_keys(const std::string& place, const Json& json, std::vector<std::string> allowed) {
  if (!json.is_object()) fail(place, ": must be an object");
  for (const auto& [key, value] : json.items()) {
    if (std::find(allowed.begin(), allowed.end(), key) != allowed.end()) continue;
    fail(place, ": key '", escaped(key), "' is unknown");
  }
}

const Json& required(const std::string& place, const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end()) fail(place, ".", key, ": is missing");
  return *found;
}

std::string text_at(const std::string& place, const Json& json, const char* key) {
  const Json& value = required(place, json, key);
  if (!value.is_string()) fail(place, ".", key, ": must be a string");
  return value.get<std::string>();
}

bool is_int64(const Json& value) {
  constexpr uint64_t kLargest = INT64_MAX;
  if (value.is_number_unsigned()) return value.get<uint64_t>() <= kLargest;
  return value.is_number_integer();
}

// ---- tensors ------------------------------------------------------------------------------------

Shape shape_at(const std::string& place, const Json& json) {
  if (!json.is_array() || json.size() > static_cast<size_t>(tensor::kMaxRank)) {
    fail(place, ".shape: must be a list of at most ", tensor::kMaxRank, " sizes");
  }
  Shape shape;
  for (size_t i = 0; i < json.size(); ++i) {
    if (!is_int64(json[i]) || json[i].get<int64_t>() < 0) {
      fail(place, ".shape[", i, "]: must be an integer of at least 0");
    }
    shape.push_back(json[i].get<int64_t>());
  }
  return shape;
}

// Does the shape hold exactly `count` elements? The product is never formed beyond the count.
bool holds(const Shape& shape, size_t count) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return count == 0;
  int64_t product = 1;
  for (const int64_t size : shape) {
    if (size > static_cast<int64_t>(count) / product) return false;
    product *= size;
  }
  return product == static_cast<int64_t>(count);
}

template <class T, class Fits>
std::vector<T> elements(const std::string& place, const Json& data, const Fits& fits,
                        const char* type) {
  std::vector<T> values;
  values.reserve(data.size());
  for (const Json& value : data) {
    if (!fits(value)) fail(place, ".data[", values.size(), "]: must be ", type);
    values.push_back(value.get<T>());
  }
  return values;
}

Tensor tensor_at(const std::string& place, const Json& json) {
  require_keys(place, json, {"dtype", "shape", "data"});
  const std::string dtype = text_at(place, json, "dtype");
  const Shape shape = shape_at(place, required(place, json, "shape"));
  const Json& data = required(place, json, "data");
  if (!data.is_array()) fail(place, ".data: must be a flat list");
  if (!holds(shape, data.size())) {
    fail(place, ".data: has ", data.size(), " elements, which shape ", shape, " does not hold");
  }
  const auto is_number = [](const Json& value) { return value.is_number(); };
  const auto is_bool = [](const Json& value) { return value.is_boolean(); };
  if (dtype == "float64") {
    return Tensor::of(elements<double>(place, data, is_number, "a number"), shape);
  }
  if (dtype == "int64") {
    return Tensor::of(elements<int64_t>(place, data, is_int64, "a 64-bit integer"), shape);
  }
  if (dtype == "bool") {
    return Tensor::of(elements<bool>(place, data, is_bool, "true or false"), shape);
  }
  fail(place, ".dtype: '", escaped(dtype), "' is none of float64, int64, bool");
}

NamedTensors tensors_at(const std::string& place, const Json& json) {
  if (!json.is_object()) fail(place, ": must be an object of tensors");
  NamedTensors tensors;
  for (const auto& [name, value] : json.items()) {
    tensors.emplace_back(name, tensor_at(place + "." + escaped(name), value));
  }
  return tensors;
}

// ---- cases --------------------------------------------------------------------------------------

Attribute attribute_at(const std::string& place, const Json& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_string()) return json.get<std::string>();
  if (is_int64(json)) return json.get<int64_t>();
  if (json.is_number()) return json.get<double>();
  if (!json.is_array()) fail(place, ": must be a number, a word, true, false or a list of numbers");
  std::vector<double> numbers;
  for (const Json& value : json) {
    if (!value.is_number()) fail(place, "[", numbers.size(), "]: must be a number");
    numbers.push_back(value.get<double>());
  }
  return numbers;
}

// Each gradient belongs to a floating tensor of the same shape.
void require_partners(const std::string& place, const NamedTensors& gradients,
                      const NamedTensors& tensors, const char* kind) {
  for (const auto& [name, gradient] : gradients) {
    const std::string where = place + "." + escaped(name) + ": ";
    const Tensor* const partner = find_named(tensors, name);
    if (partner == nullptr) fail(where, "there is no ", kind, " of this name");
    if (gradient.dtype() != Dtype::float64 || partner->dtype() != Dtype::float64) {
      fail(where, "a gradient and its ", kind, " must be float64");
    }
    if (gradient.shape() != partner->shape()) {
      fail(where, "has shape ", gradient.shape(), ", the ", kind, " ", partner->shape());
    }
  }
}

void read_gradients(GoldenCase& golden, const Json& json) {
  if (json.contains("grad_outputs") != json.contains("grads")) {
    fail(golden.place, ": grad_outputs and grads come together or not at all");
  }
  if (!json.contains("grads")) return;
  golden.grad_outputs = tensors_at(golden.place + ".grad_outputs", json["grad_outputs"]);
  golden.grads = tensors_at(golden.place + ".grads", json["grads"]);
  require_partners(golden.place + ".grad_outputs", golden.grad_outputs, golden.outputs, "output");
  require_partners(golden.place + ".grads", golden.grads, golden.inputs, "input");
  for (const auto& [name, output] : golden.outputs) {
    if (output.dtype() != Dtype::float64 || find_named(golden.grad_outputs, name)) continue;
    fail(golden.place, ".grad_outputs.", escaped(name), ": is missing; the output is floating");
  }
  for (const auto& [name, input] : golden.inputs) {
    if (input.dtype() != Dtype::float64 || find_named(golden.grads, name)) continue;
    fail(golden.place, ".grads.", escaped(name), ": is missing; the input is floating");
  }
}

GoldenCase case_at(const std::string& place, const Json& json) {
  require_keys(place, json, {"name", "op", "attrs", "inputs", "outputs", "grad_outputs", "grads"});
  GoldenCase golden{.place = place,
                    .name = text_at(place, json, "name"),
                    .op = text_at(place, json, "op"),
                    .attributes = {},
                    .inputs = tensors_at(place + ".inputs", required(place, json, "inputs")),
                    .outputs = tensors_at(place + ".outputs", required(place, json, "outputs")),
                    .grad_outputs = {},
                    .grads = {}};
  if (golden.outputs.empty()) fail(place, ".outputs: is empty, so there is nothing to compare");
  if (json.contains("attrs")) {
    if (!json["attrs"].is_object()) fail(place, ".attrs: must be an object");
    for (const auto& [name, value] : json["attrs"].items()) {
      golden.attributes.emplace_back(name, attribute_at(place + ".attrs." + escaped(name), value));
    }
  }
  read_gradients(golden, json);
  return golden;
}

}  // namespace

GoldenFile parse_golden(const std::string& text) {
  const JsonRule rule = {.depth = 6, .sentence = "is nested deeper than the data of a tensor"};
  const Json json = parse_json("", text, rule);
  require_keys("file", json, {"format", "source", "cases"});
  if (const std::string format = text_at("file", json, "format"); format != kFormat) {
    fail("format: '", escaped(format), "' is not ", kFormat);
  }
  GoldenFile file{.source = text_at("file", json, "source"), .cases = {}};
  const Json& cases = required("file", json, "cases");
  if (!cases.is_array() || cases.empty()) fail("cases: must be a list of at least one case");
  for (size_t i = 0; i < cases.size(); ++i) {
    file.cases.push_back(case_at(str("cases[", i, "]"), cases[i]));
  }
  return file;
}

GoldenFile read_golden_file(const std::string& path) {
  std::string text;
  try {
    text = lib::read_file(path, kMaxBytes);
  } catch (const std::runtime_error& error) {
    fail(error.what());
  }
  try {
    return parse_golden(text);
  } catch (const std::invalid_argument& error) {
    fail("'", escaped(path), "': ", error.what());
  }
}

}  // namespace qkv::examples
