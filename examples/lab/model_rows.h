// Whole models beside the op table: every parameter of a tiny configuration is an input of the row.
#pragma once

#include <vector>

#include "autograd/op_table.h"

namespace qkv::examples {

// The inputs of a row are all parameters of the model, in the order of named_parameters().
[[nodiscard]] const std::vector<autograd::OpCase>& model_table();

}  // namespace qkv::examples
