// What gradient checks stand on: inputs that are moved one element at a time, as the views they
// are; and functions that cannot be checked at all.
#include "autograd/numeric.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/grad_check.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/matmul.h"
#include "tensor/views.h"
#include "tests/compare.h"

using namespace qkv;
using namespace qkv::autograd;

namespace {

using In = const std::vector<Variable>&;

Tensor counted(const Shape& shape) {
  return tensor::reshape(tensor::arange(shape.numel(), Dtype::float64), shape);
}

Tensor one_number() { return tensor::scalar(0.3, Dtype::float64); }

}  // namespace

TEST_CASE("a copy has the numbers and the strides of the original and a storage of its own") {
  const Tensor x = counted({3, 4});
  for (const Tensor& view : {x, tensor::transpose(x), tensor::slice(x, 1, 1, 4, 2),
                             tensor::slice(tensor::transpose(x), 0, 2, 4), counted({0, 3})}) {
    const Tensor copy = copy_with_layout(view);
    CHECK(copy.to_vector() == view.to_vector());
    CHECK(copy.shape() == view.shape());
    CHECK(copy.is_contiguous() == view.is_contiguous());
    CHECK_FALSE(copy.shares_storage_with(view));
  }
  CHECK(copy_with_layout(tensor::transpose(x)).strides()[1] == 4);
}

TEST_CASE("between the elements of a copied view there is NaN") {
  const Tensor copy = copy_with_layout(tensor::slice(counted({2, 4}), 1, 0, 4, 3));
  CHECK(copy.to_vector() == std::vector<double>{0, 3, 4, 7});
  for (const int place : {1, 2, 5, 6}) CHECK(std::isnan(copy.data<double>()[place]));
  CHECK(copy.data<double>()[3] == 3);
}

TEST_CASE("elements that share a place are copied apart") {
  const Tensor row = counted({1, 3});
  for (const Tensor& shared : {tensor::expand(row, {4, 3}), counted({4}).view({3, 2}, {1, 1}, 0)}) {
    const Tensor copy = copy_with_layout(shared);
    CHECK(copy.is_contiguous());
    CHECK(copy.to_vector() == shared.to_vector());
  }
}

TEST_CASE("an element of a point is found by its row-major place in either dtype") {
  const Function nothing = [](In in) { return in[0]; };
  for (const Dtype dtype : {Dtype::float64, Dtype::float32}) {
    const Tensor x = tensor::transpose(counted({2, 3}).to(dtype));  // 0 3 / 1 4 / 2 5
    Point point(nothing, {x});
    CHECK(point.at(0, 3) == 4);
    point.set(0, 3, 7);
    CHECK(point.inputs()[0].at({1, 1}) == 7);
    CHECK(x.at({1, 1}) == 4);
    CHECK(index_text(3, x.shape()) == "(1, 1)");
  }
}

TEST_CASE("a function is checked on the views that it is given") {
  std::vector<bool> contiguous;
  const Function f = [&](In in) {
    contiguous.push_back(in[0].value().is_contiguous());
    return matmul(in[0], in[1]);
  };
  lib::Generator generator(1);
  const auto normal = [&](const Shape& shape) {
    return tensor::normal(shape, 0, 1, generator, Dtype::float64);
  };
  const auto report = grad_check("matmul", f, {tensor::transpose(normal({3, 2})), normal({3, 4})});
  CHECK(report.passed);
  CHECK(report.elements == 18);
  CHECK(std::count(contiguous.begin(), contiguous.end(), true) == 0);
  // A backward that takes the view's storage for row-major is found out.
  const Function careless = [](In in) {
    return record("careless", {in[0]}, in[0].value().clone(), [x = in[0]](const Variable& dy) {
      return Grads{dy * x * x / (x * x + (x.value().is_contiguous() ? 0.0 : 1.0))};
    });
  };
  CHECK(grad_check("row-major", careless, {normal({2, 3})}).passed);
  CHECK_FALSE(grad_check("view", careless, {tensor::transpose(normal({2, 3}))}).passed);
}

TEST_CASE("single numbers and empty inputs and inputs of no influence are checked") {
  const auto exp_of = [](In in) { return exp(in[0]); };
  CHECK(grad_check("exp", exp_of, {one_number()}).elements == 1);
  const auto empty = grad_check("exp", exp_of, {tensor::zeros({0, 3}, Dtype::float64)});
  CHECK(empty.passed);
  CHECK(empty.elements == 0);
  CHECK(empty.taylor.exact);
  CHECK(grad_grad_check("exp", exp_of, {tensor::zeros({0, 3}, Dtype::float64)}).passed);
  const auto unused = grad_check("first", exp_of, {one_number(), counted({2})});
  CHECK(unused.passed);
  CHECK(unused.elements == 3);
}

TEST_CASE("a function that gives another value each time cannot be checked and is told so") {
  lib::Generator generator(5);
  const Function noisy = [&](In in) { return dropout(in[0], 0.5, generator); };
  const auto report = grad_check("dropout", noisy, {counted({5, 5})});
  CHECK_FALSE(report.passed);
  CHECK(report.message.starts_with(
      "dropout: the function is random: at the same inputs the loss was "));
}
