// Moving one element of a tensor whatever its strides, and evaluating a function there.
#include "autograd/numeric.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "lib/text.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"
#include "tensor/views.h"

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

double Slopes::size() const { return std::max(std::abs(below), std::abs(above)); }

Bend bend(const Slopes& far, const Slopes& near, double rounding) {
  constexpr double kVisible = 1e-5;  // of the slopes
  const double wide = std::abs(far.gap()), narrow = std::abs(near.gap());
  if (narrow > 2 * wide && narrow > kVisible * near.size() + 10 * rounding) return Bend::jump;
  if (!(wide > kVisible * far.size() + rounding)) return Bend::smooth;
  if (narrow <= 0.02 * wide) return Bend::past;
  return narrow >= 0.5 * wide && narrow <= 2 * wide ? Bend::kink : Bend::smooth;
}

Tensor random_cotangent(const Shape& shape, lib::Generator& generator, Dtype dtype) {
  Shape wide = shape;
  const int last = shape.rank() - 1;
  if (last >= 0) wide[last] *= 2;
  const Tensor u = tensor::uniform(wide, -1, 1, generator, dtype);
  const Tensor positive = tensor::greater(u, tensor::zeros(wide, dtype));
  const Tensor r = tensor::where(positive, tensor::add(u, 1), tensor::add(u, -1));
  return last < 0 ? r : copy_with_layout(tensor::slice(r, last, 0, wide[last], 2));
}

std::string value_difference(const Tensor& recorded, const Tensor& quiet) {
  if (recorded.shape() != quiet.shape()) {
    return lib::str("the result has shape ", recorded.shape(), " while a graph is recorded and ",
                    quiet.shape(), " without one");
  }
  const std::vector<double> a = recorded.to_vector(), b = quiet.to_vector();
  for (size_t o = 0; o < a.size(); ++o) {
    const bool both_nan = a[o] != a[o] && b[o] != b[o];
    const bool close = std::abs(a[o] - b[o]) <= 1e-9 * std::max(1.0, std::abs(b[o]));
    if (a[o] == b[o] || both_nan || close) continue;
    return lib::str("the value at ", index_text(static_cast<int64_t>(o), quiet.shape()), " is ",
                    a[o], " while a graph is recorded and ", b[o], " without one");
  }
  return "";
}

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

Slopes Point::slopes(size_t input, int64_t place, double h, const Tensor& r, const Tensor& here) {
  const double x = at(input, place);
  set(input, place, x + h);
  const Tensor up = value();
  const double above = at(input, place) - x;
  set(input, place, x - h);
  const Tensor down = value();
  const double below = x - at(input, place);
  set(input, place, x);
  const auto change = [&](const Tensor& to, const Tensor& from) {
    return tensor::sum(tensor::mul(tensor::sub(to, from), r)).item();
  };
  return {change(here, down) / below, change(up, here) / above, change(up, down) / (above + below)};
}

Tensor Point::value() const {
  const NoGrad quiet;
  return function_({x_.begin(), x_.end()}).value().clone();  // it may be a view of x
}

double Point::loss(const Tensor& r) const { return tensor::sum(tensor::mul(value(), r)).item(); }

std::vector<Variable> Point::leaves() const {
  std::vector<Variable> leaves;
  for (const Tensor& x : x_) leaves.push_back(parameter(copy_with_layout(x)));
  return leaves;
}

}  // namespace qkv::autograd
