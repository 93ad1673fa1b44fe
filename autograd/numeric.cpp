// Moving one element of a tensor whatever its strides, and evaluating a function there.
#include "autograd/numeric.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "tensor/elementwise.h"
#include "tensor/reduce.h"

namespace qkv::autograd {
namespace {

Shape index_of(int64_t place, const Shape& shape) {
  Shape index = shape;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    index[axis] = place % shape[axis];
    place /= shape[axis];
  }
  return index;
}

int64_t offset_of(const Tensor& t, int64_t place) {
  const Shape index = index_of(place, t.shape());
  int64_t offset = 0;
  for (int axis = 0; axis < t.rank(); ++axis) offset += index[axis] * t.strides()[axis];
  return offset;
}

// How many places the elements span, first to last; 0 if two elements may share one. With the axes
// sorted by stride, each must step over all that the smaller ones span.
int64_t span_without_overlap(const Tensor& t) {
  std::vector<int> axes(static_cast<size_t>(t.rank()));
  std::iota(axes.begin(), axes.end(), 0);
  std::sort(axes.begin(), axes.end(),
            [&](int a, int b) { return t.strides()[a] < t.strides()[b]; });
  int64_t span = 1;
  for (const int axis : axes) {
    if (t.shape()[axis] == 1) continue;
    if (t.strides()[axis] < span) return 0;
    span += (t.shape()[axis] - 1) * t.strides()[axis];
  }
  return span;
}

}  // namespace

Tensor copy_with_layout(const Tensor& t) {
  const int64_t span = t.numel() == 0 ? 0 : span_without_overlap(t);
  if (t.is_contiguous() || span == 0) return t.clone();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Tensor copy = tensor::full({span}, nan, t.dtype()).view(t.shape(), t.strides(), 0);
  copy.copy_(t);
  return copy;
}

std::string index_text(int64_t place, const Shape& shape) { return index_of(place, shape).str(); }

Point::Point(const Function& function, const std::vector<Tensor>& inputs) : function_(function) {
  for (const Tensor& input : inputs) x_.push_back(copy_with_layout(input));
}

double Point::at(size_t input, int64_t place) const {
  const Tensor& x = x_[input];
  const int64_t offset = offset_of(x, place);
  return x.dtype() == Dtype::float32 ? double{x.data<float>()[offset]} : x.data<double>()[offset];
}

void Point::set(size_t input, int64_t place, double value) {
  Tensor& x = x_[input];
  const int64_t offset = offset_of(x, place);
  if (x.dtype() == Dtype::float32) {
    x.mutable_data<float>()[offset] = static_cast<float>(value);
  } else {
    x.mutable_data<double>()[offset] = value;
  }
}

Tensor Point::value() const {
  const NoGrad quiet;
  return function_({x_.begin(), x_.end()}).value();
}

double Point::loss(const Tensor& r) const { return tensor::sum(tensor::mul(value(), r)).item(); }

std::vector<Variable> Point::leaves() const {
  std::vector<Variable> leaves;
  for (const Tensor& x : x_) leaves.push_back(parameter(copy_with_layout(x)));
  return leaves;
}

}  // namespace qkv::autograd
