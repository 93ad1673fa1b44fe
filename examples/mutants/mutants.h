// Mutants: functions whose values are right and whose gradients are wrong, each by one mistake that
// people make. A gradient check is as good as the mutants it kills; kill_table.h counts them. How
// one is made is in breeding.h.
#pragma once

#include <string>
#include <vector>

#include "autograd/op_table.h"

namespace qkv::examples {

struct Mutant {
  std::string family;     // a row of the kill table: "softmax"
  std::string operation;  // of the op table, or a layer: "log_softmax"
  std::string mistake;    // what its backward does wrong: "forgets exp(y)"
  std::function<std::vector<autograd::Tensor>(lib::Generator&)> sample;  // float64 inputs
  autograd::Function right, wrong;  // equal in value; both also take float32 inputs
  autograd::Function apart;         // `wrong` before it was spoilt; `right`, if not a layer

  [[nodiscard]] std::string name() const { return operation + ": " + mistake; }
};

// All of them, those of a family side by side. Names are unique.
[[nodiscard]] const std::vector<Mutant>& mutants();

// The inputs that a mutant is tried on: always the same.
[[nodiscard]] std::vector<autograd::Tensor> inputs_of(const Mutant& mutant);

}  // namespace qkv::examples
