// The op table: every differentiable operation with inputs to try it on. It is one list, and drives
// the gradient tests, the `gradcheck` command, the second-order tests (gradients of gradients) and
// the oracle test of fused operations.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autograd/grad_check.h"
#include "lib/random.h"

namespace qkv::autograd {

// How far apart the two gradients may be, as in GradCheckOptions. A row that asks for more than
// these says why.
struct Tolerance {
  double atol = 1e-7, rtol = 1e-6;
  std::string reason = {};
};

struct OpCase {
  std::string op;       // the name that record() was given: "matmul"
  std::string variant;  // what is special about this row: "batch axes broadcast"
  std::function<std::vector<Tensor>(lib::Generator&)> sample;  // float64 inputs, away from kinks
  Function apply;
  bool fused = false;  // has a definition to compare with
  Tolerance tolerance = {};
  std::string kinks = {};  // where it bends, and the slope taken there: "at 0: the slope ..."
};

// Rows of one operation stand together. The last of them, "strided", is its first row on views with
// gaps and columns first.
[[nodiscard]] const std::vector<OpCase>& op_table();

// The gradient checks of a row, at its tolerance, with inputs and cotangents drawn from the seed.
// Gradients are differentiated numerically with a larger step, 1e-5: their values come through more
// operations, so their rounding errors are larger.
[[nodiscard]] GradCheckReport check_row(const OpCase& row, uint64_t seed = 1);
[[nodiscard]] GradCheckReport check_row_second_order(const OpCase& row, uint64_t seed = 1);

}  // namespace qkv::autograd
