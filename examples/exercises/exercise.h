// What exercises and solutions are written with. An operation is found by its operands' type:
// softmax(x, -1) of a Variable is autograd's (autograd/ops.h lists them), zeros and masks are
// tensor's (tensor/*.h).
//
//   dy * (x - y), x / 2.0, -x + 1.0      Variables have operators      1 - x is written -x + 1.0
//   add(a, b), mul(a, 2.0), less(a, b)   Tensors have none
//   x.shape()[0]                         the size of an axis; shapes count from 0 only
//
// Edit NN_name.cpp, in place of "your code"; ./qkv exercise NN says whether it is right.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "autograd/ops.h"
#include "tensor/elementwise.h"
#include "tensor/index.h"
#include "tensor/reduce.h"
#include "tensor/views.h"

namespace qkv::examples {

using autograd::concat;
using autograd::Grads;  // a list of gradients, written {dx, dy}
using autograd::Variable;
using tensor::Dtype;
using tensor::Shape;
using tensor::Tensor;

}  // namespace qkv::examples
