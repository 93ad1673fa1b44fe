// What the exhibits of chapter 21 share: the names they use, and the example of chapter 8.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "examples/chapter.h"
#include "nn/attention.h"
#include "nn/optimizer.h"
#include "tensor/elementwise.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"
#include "tensor/softmax.h"
#include "tensor/views.h"

namespace qkv::examples::museum {

using autograd::parameter;
using autograd::Variable;
using nn::Mask;
using tensor::Dtype;
using tensor::Tensor;
namespace t = tensor;
using Rows = std::vector<std::vector<std::string>>;

// Queries, keys and values of chapter 8.
inline const Tensor Q = Tensor::of<double>({1.18, .78, .62, .59, .66, .71}, {3, 2});
inline const Tensor K = Tensor::of<double>({.83, .71, .53, .66, .76, .41}, {3, 2});
inline const Tensor V = Tensor::of<double>({1.02, 1.07, .52, .93, .79, .56}, {3, 2});

inline double largest(const Tensor& x) {
  double size = 0;
  for (const double number : t::abs(x).to_vector()) size = std::max(size, number);
  return size;
}

}  // namespace qkv::examples::museum
