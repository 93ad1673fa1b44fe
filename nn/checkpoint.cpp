// Matching a file's tensors with a module's parameters.
#include "nn/checkpoint.h"

#include <stdexcept>

#include "lib/text.h"
#include "nn/safetensors.h"

namespace qkv::nn {
namespace {

std::string describe(const Tensor& t) { return lib::str(t.shape(), " ", t.dtype()); }

// Everything that keeps the file from fitting the module, one clause each.
std::string mismatches(const std::vector<NamedParameter>& parameters,
                       std::map<std::string, Tensor> stored) {
  std::string text;
  const auto note = [&](const auto&... parts) {
    text += (text.empty() ? "" : "; ") + lib::str(parts...);
  };
  for (const auto& [name, parameter] : parameters) {
    const auto found = stored.find(name);
    if (found == stored.end()) {
      note("'", name, "' is missing");
      continue;
    }
    const Tensor& wanted = parameter->value();
    if (found->second.shape() != wanted.shape() || found->second.dtype() != wanted.dtype()) {
      note("'", name, "' is ", describe(found->second), ", the model needs ", describe(wanted));
    }
    stored.erase(found);
  }
  for (const auto& [name, value] : stored) note("'", name, "' is not a parameter of the model");
  return text;
}

}  // namespace

void save_parameters(const std::string& path, const Module& module,
                     const std::map<std::string, std::string>& metadata) {
  std::vector<NamedTensor> tensors;
  for (const auto& [name, parameter] : module.named_parameters()) {
    tensors.push_back({name, parameter->value()});
  }
  save_safetensors(path, tensors, metadata);
}

void load_parameters(const std::string& path, Module& module) {
  std::map<std::string, Tensor> stored;
  for (auto& [name, value] : load_safetensors(path).tensors) stored[name] = value;
  const std::vector<NamedParameter> parameters = module.named_parameters();
  const std::string wrong = mismatches(parameters, stored);
  if (!wrong.empty()) throw std::runtime_error(path + ": does not fit the model: " + wrong);
  for (const auto& [name, parameter] : parameters) parameter->mutable_value().copy_(stored[name]);
}

}  // namespace qkv::nn
