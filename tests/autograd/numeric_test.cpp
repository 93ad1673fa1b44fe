// What gradient checks stand on: inputs that are moved one element at a time, as the views they
// are; and functions that cannot be checked at all.
#include "autograd/numeric.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "autograd/grad_check.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/elementwise.h"
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

TEST_CASE("a random cotangent lies between 1 and 2 with either sign and NaN between its elements") {
  lib::Generator generator(1);
  for (const Dtype dtype : {Dtype::float64, Dtype::float32}) {
    const Tensor r = random_cotangent({20, 1, 3}, generator, dtype);
    CHECK(r.shape() == Shape{20, 1, 3});
    CHECK(r.dtype() == dtype);
    CHECK_FALSE(r.is_contiguous());
    int negative = 0;
    for (const double v : r.to_vector()) {
      CHECK(std::abs(v) >= 1);
      CHECK(std::abs(v) <= 2);
      negative += v < 0;
    }
    CHECK(negative >= 10);
    CHECK(negative <= 50);
    CHECK(std::isnan(r.view({}, {}, 1).to_vector()[0]));
  }
  CHECK(random_cotangent({}, generator).numel() == 1);
  CHECK(random_cotangent({2, 0}, generator).shape() == Shape{2, 0});
}

TEST_CASE("the gap of the two slopes at a step and at a tenth of it tells how a function bends") {
  const auto of = [](double (*f)(double), double x) {
    const auto at = [&](double h) -> Slopes {
      return {(f(x) - f(x - h)) / h, (f(x + h) - f(x)) / h, (f(x + h) - f(x - h)) / (2 * h)};
    };
    return bend(at(1e-6), at(1e-7), 1e-7);
  };
  CHECK(of([](double v) { return std::max(v, 0.0); }, 0) == Bend::kink);
  CHECK(of([](double v) { return std::max(v, 0.0); }, 3e-7) == Bend::past);
  CHECK(of([](double v) { return std::max(v, 0.0); }, 3e-6) == Bend::smooth);
  CHECK(of([](double v) { return std::floor(v); }, 1) == Bend::jump);
  CHECK(of([](double v) { return std::sqrt(std::abs(v)); }, 0) == Bend::jump);
  CHECK(of([](double v) { return std::log(v); }, 5e-6) == Bend::smooth);
  CHECK(of([](double v) { return 1 / v; }, 1e-5) == Bend::smooth);
  CHECK(of([](double v) { return std::exp(v); }, 3) == Bend::smooth);
}

TEST_CASE("slopes are divided by the step really taken and large results leave no error") {
  const Function identity = [](In in) { return in[0] * 1.0; };
  Point point(identity, {Tensor::of<double>({1.23456e5}, {1})});
  const Tensor r = tensor::ones({1}, Dtype::float64);
  const Slopes slopes = point.slopes(0, 0, 1e-6, r, point.value());
  CHECK(slopes.below == 1);
  CHECK(slopes.above == 1);
  CHECK(slopes.central == 1);
  const auto report =
      grad_check("identity", identity, {Tensor::of<double>({1.23456e5, 2, 3}, {3})});
  CHECK_MESSAGE(report.passed, report.message);
}

TEST_CASE("a backward that clips dy or reads it as row-major is refused") {
  const Function clips = [](In in) {
    return record("double", {in[0]}, tensor::mul(in[0].value(), 2.0), [](const Variable& dy) {
      std::vector<double> dx = dy.value().to_vector();
      for (double& v : dx) v = 2 * std::clamp(v, -1.0, 1.0);
      return Grads{Variable(Tensor::of(dx, dy.shape()))};
    });
  };
  const Function row_major = [](In in) {
    return record("double", {in[0]}, tensor::mul(in[0].value(), 2.0), [](const Variable& dy) {
      std::vector<double> dx;
      for (int64_t i = 0; i < dy.numel(); ++i) dx.push_back(2 * dy.value().data<double>()[i]);
      return Grads{Variable(Tensor::of(dx, dy.shape()))};
    });
  };
  for (const uint64_t seed : {0u, 1u, 2u}) {
    CHECK_FALSE(grad_check("clips", clips, {one_number()}, {.seed = seed}).passed);
    CHECK_FALSE(grad_check("row-major", row_major, {counted({2, 3})}, {.seed = seed}).passed);
    CHECK_FALSE(grad_check("row-major", row_major, {counted({3, 1})}, {.seed = seed}).passed);
  }
}

TEST_CASE("a function whose value depends on whether a graph is recorded is refused") {
  const Function shifted = [](In in) {
    const Variable y = in[0] * 2.0;
    return in[0].requires_grad() ? y + 5.0 : y;
  };
  const auto report = grad_check("shifted", shifted, {counted({2, 2})});
  CHECK_FALSE(report.passed);
  CHECK(report.message ==
        "shifted: the value at (0, 0) is 5 while a graph is recorded and 0 without one");
  const Function shaped = [](In in) {
    return in[0].requires_grad() ? in[0] * 2.0 : sum(in[0] * 2.0, {0}, true);
  };
  CHECK(grad_check("shaped", shaped, {counted({3, 2})}).message ==
        "shaped: the result has shape (3, 2) while a graph is recorded and (1, 2) without one");
  const Function cut = [](In in) { return in[0].requires_grad() ? in[0] : slice(in[0], 0, 0, 2); };
  CHECK(grad_check("cut", cut, {counted({3, 2})}).message ==
        "cut: the result has shape (3, 2) while a graph is recorded and (2, 2) without one");
}
