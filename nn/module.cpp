// Walking the tree of modules.
#include "nn/module.h"

#include "lib/text.h"

namespace qkv::nn {

std::vector<NamedParameter> Module::named_parameters() const {
  std::vector<NamedParameter> all = parameters_;
  for (const auto& [child_name, child] : children_) {
    for (const auto& [name, parameter] : child->named_parameters()) {
      all.push_back({child_name + "." + name, parameter});
    }
  }
  return all;
}

std::vector<Variable> Module::parameters() const {
  std::vector<Variable> all;
  for (const auto& named : named_parameters()) all.push_back(*named.parameter);
  return all;
}

int64_t Module::parameter_count() const {
  int64_t count = 0;
  for (const Variable& parameter : parameters()) count += parameter.numel();
  return count;
}

void Module::train(bool on) {
  training_ = on;
  for (const auto& [name, child] : children_) child->train(on);
}

void Module::to(Dtype dtype) {
  for (const auto& named : named_parameters()) {
    *named.parameter = autograd::parameter(named.parameter->value().to(dtype));
  }
}

void Module::zero_grad() {
  for (const auto& named : named_parameters()) named.parameter->zero_grad();
}

void Module::add(const std::string& name, Variable& parameter) {
  for (const auto& named : parameters_) {
    if (named.name == name) lib::fail("module: two parameters are named '", name, "'");
  }
  parameters_.push_back({name, &parameter});
}

void Module::add(const std::string& name, Module& child) { children_.emplace_back(name, &child); }

void require_size(const char* layer, const char* what, int64_t size) {
  if (size < 1) lib::fail(layer, ": ", what, " is ", size, "; need at least 1");
}

Variable uniform_parameter(const Shape& shape, double bound, lib::Generator& generator) {
  return autograd::parameter(tensor::uniform(shape, -bound, bound, generator));
}

}  // namespace qkv::nn
