// The op table: every differentiable operation with inputs to try it on. It is one list, and drives
// the gradient tests, the `gradcheck` command, the second-order tests and the oracle test of fused
// operations.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autograd/grad_check.h"
#include "lib/random.h"

namespace qkv::autograd {

struct OpCase {
  std::string op;       // the name that record() was given: "matmul"
  std::string variant;  // what is special about this row: "batch axes broadcast"
  std::function<std::vector<Tensor>(lib::Generator&)> sample;  // float64 inputs, away from kinks
  Function apply;
  bool fused = false;  // has a definition to compare with
};

[[nodiscard]] const std::vector<OpCase>& op_table();

}  // namespace qkv::autograd
