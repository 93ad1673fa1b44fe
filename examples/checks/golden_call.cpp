// Inputs and attributes of a case, by name and type.
#include "examples/checks/golden_call.h"

#include <cmath>

#include "examples/lab/progress.h"
#include "lib/text.h"

namespace qkv::examples {
using lib::fail;

std::string GoldenCall::at(const char* part, const std::string& name) const {
  return golden_.place + "." + part + "." + escaped(name) + ": ";
}

// ---- inputs -------------------------------------------------------------------------------------

const Tensor& GoldenCall::find_input(const std::string& name) {
  const Tensor* const found = find_named(golden_.inputs, name);
  if (found == nullptr) fail(at("inputs", name), "is missing; ", golden_.op, " needs it");
  inputs_read_.insert(name);
  return *found;
}

Variable GoldenCall::input(const std::string& name) {
  const Tensor& value = find_input(name);
  if (!tensor::is_floating(value.dtype())) {
    fail(at("inputs", name), "is ", value.dtype(), "; ", golden_.op, " needs float64");
  }
  Variable& parameter = parameters_[name];
  // A copy: an optimiser overwrites its parameters.
  if (!parameter.defined()) parameter = autograd::parameter(value.to(dtype_).clone());
  return parameter;
}

Variable GoldenCall::input(const std::string& name, const Shape& shape) {
  const Variable result = input(name);
  if (result.shape() != shape) {
    fail(at("inputs", name), "has shape ", result.shape(), "; with the other weights, ", golden_.op,
         " needs ", shape);
  }
  return result;
}

Variable GoldenCall::matrix(const std::string& name) {
  const Variable result = input(name);
  if (result.rank() != 2 || result.value().numel() == 0) {
    fail(at("inputs", name), "has shape ", result.shape(), "; ", golden_.op,
         " needs a matrix that is not empty");
  }
  return result;
}

Tensor GoldenCall::tensor(const std::string& name, Dtype dtype) {
  const Tensor& value = find_input(name);
  if (value.dtype() != dtype) {
    fail(at("inputs", name), "is ", value.dtype(), "; ", golden_.op, " needs ", dtype);
  }
  return value;
}

bool GoldenCall::has(const std::string& name) const {
  return find_named(golden_.inputs, name) != nullptr;
}

std::vector<std::string> GoldenCall::input_names() const {
  std::vector<std::string> names;
  for (const auto& input : golden_.inputs) names.push_back(input.first);
  return names;
}

// ---- attributes ---------------------------------------------------------------------------------

const Attribute* GoldenCall::find(const std::string& name) {
  attributes_read_.insert(name);
  return find_named(golden_.attributes, name);
}

template <class T>
T GoldenCall::read(const std::string& name, std::optional<T> otherwise, const char* type) {
  const Attribute* const found = find(name);
  if (found == nullptr && otherwise) return *otherwise;
  if (found == nullptr) fail(at("attrs", name), "is missing; ", golden_.op, " needs it");
  const T* const value = std::get_if<T>(found);
  if (value == nullptr) fail(at("attrs", name), "must be ", type);
  return *value;
}

bool GoldenCall::has_attribute(const std::string& name) const {
  return find_named(golden_.attributes, name) != nullptr;
}

// 3 is a number as much as 3.0 is.
double GoldenCall::number(const std::string& name, std::optional<double> otherwise) {
  const Attribute* const found = find(name);
  if (found != nullptr && std::holds_alternative<int64_t>(*found)) {
    return static_cast<double>(std::get<int64_t>(*found));
  }
  return read(name, otherwise, "a number");
}

int64_t GoldenCall::integer(const std::string& name, std::optional<int64_t> otherwise) {
  return read(name, otherwise, "an integer");
}

bool GoldenCall::flag(const std::string& name, std::optional<bool> otherwise) {
  return read(name, otherwise, "true or false");
}

std::string GoldenCall::text(const std::string& name, std::optional<std::string> otherwise) {
  return read(name, otherwise, "a string");
}

std::vector<double> GoldenCall::numbers(const std::string& name,
                                        std::optional<std::vector<double>> otherwise) {
  return read(name, otherwise, "a list of numbers");
}

std::vector<int64_t> GoldenCall::integers(const std::string& name) {
  std::vector<int64_t> result;
  for (const double number : numbers(name)) {
    if (!(std::fabs(number) <= 0x1p53) || number != std::floor(number)) {
      fail(at("attrs", name), number, " is not an integer");
    }
    result.push_back(static_cast<int64_t>(number));
  }
  return result;
}

int GoldenCall::axis(const std::string& name) {
  const int64_t axis = integer(name);
  if (axis < -tensor::kMaxRank || axis >= tensor::kMaxRank) {
    fail(at("attrs", name), axis, " is not an axis");
  }
  return static_cast<int>(axis);
}

void GoldenCall::require_no_gradients() const {
  if (golden_.grads.empty() && golden_.grad_outputs.empty()) return;
  fail(golden_.place, golden_.grads.empty() ? ".grad_outputs: " : ".grads: ", golden_.op,
       " is not differentiated");
}

void GoldenCall::require_all_read() const {
  for (const auto& input : golden_.inputs) {
    if (inputs_read_.contains(input.first)) continue;
    fail(at("inputs", input.first), golden_.op, " has no input of this name");
  }
  for (const auto& attribute : golden_.attributes) {
    if (attributes_read_.contains(attribute.first)) continue;
    fail(at("attrs", attribute.first), golden_.op, " has no attribute of this name");
  }
}

}  // namespace qkv::examples
