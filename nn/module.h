// Module: something with parameters. A module names its parameters and its children in its
// constructor; the full name of a parameter is the path to it, and its key in a checkpoint:
//
//   encoder.0.attention.query.weight
//
// Next: layers.h.
#pragma once

#include <string>
#include <vector>

#include "autograd/variable.h"
#include "lib/random.h"

namespace qkv::nn {

using autograd::Variable;
using tensor::Dtype;
using tensor::Shape;
using tensor::Tensor;

struct NamedParameter {
  std::string name;
  Variable* parameter;
};

class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  Module(const Module&) = delete;  // parents and optimisers hold the addresses of its parameters
  Module& operator=(const Module&) = delete;

  // All parameters, the module's own first, then the children's, in the order of registration.
  [[nodiscard]] std::vector<NamedParameter> named_parameters() const;
  [[nodiscard]] std::vector<Variable> parameters() const;
  [[nodiscard]] int64_t parameter_count() const;

  // Training mode: dropout is active. On at first; eval() turns it off, here and in all children.
  void train(bool on = true);
  void eval() { train(false); }
  [[nodiscard]] bool training() const { return training_; }

  // Converts every parameter to float32 or float64. Make the optimiser afterwards: the parameters
  // are other leaves then.
  void to(Dtype dtype);

  void zero_grad();

 protected:
  // For constructors. REQUIRES: the parameter or child lives as long as this module (a member).
  void add(const std::string& name, Variable& parameter);
  void add(const std::string& name, Module& child);

 private:
  std::vector<NamedParameter> parameters_;
  std::vector<std::pair<std::string, Module*>> children_;
  bool training_ = true;
};

// ---- for the constructors of layers -------------------------------------------------------------

// Throws std::invalid_argument, "Linear: in is 0; need at least 1", unless size >= 1.
void require_size(const char* layer, const char* what, int64_t size);

// A parameter with numbers uniform in ±bound.
[[nodiscard]] Variable uniform_parameter(const Shape& shape, double bound,
                                         lib::Generator& generator);

}  // namespace qkv::nn
