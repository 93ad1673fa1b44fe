// Reductions: any axes in any order and layout, axes of size 0, NaN, and the order of additions.
#include "tensor/reduce.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/random.h"
#include "lib/vector_math.h"
#include "tensor/elementwise.h"
#include "tensor/views.h"
#include "tests/compare.h"
#include "tests/tensor/disguises.h"

using namespace qkv::tensor;
using namespace qkv::tests;
using Numbers = std::vector<double>;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

Tensor counting(const Shape& shape, Dtype dtype = Dtype::float32) {
  return reshape(arange(shape.numel(), dtype), shape);
}

// Sizes 1 where an axis is reduced.
Shape kept(Shape shape, const std::vector<int>& axes) {
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const bool named = std::any_of(axes.begin(), axes.end(),
                                   [&](int a) { return a == axis || a + shape.rank() == axis; });
    if (axes.empty() || named) shape[axis] = 1;
  }
  return shape;
}

Shape dropped(const Shape& shape, const Shape& with_ones, const std::vector<int>& axes) {
  Shape result;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const bool reduced = axes.empty() || std::count(axes.begin(), axes.end(), axis) > 0 ||
                         std::count(axes.begin(), axes.end(), axis - shape.rank()) > 0;
    if (!reduced) result.push_back(with_ones[axis]);
  }
  return result;
}

// The sum, one element after the other: each is added where broadcasting would have read it.
Numbers added_up(const Tensor& x, const Shape& to) {
  Numbers result(static_cast<size_t>(to.numel())), numbers = x.to_vector();
  for (int64_t i = 0; i < x.numel(); ++i) {
    result[broadcast_place(to, x.shape(), i)] += numbers[static_cast<size_t>(i)];
  }
  return result;
}

const std::vector<std::vector<int>> kAxes = {{},      {0},     {1},       {2},       {-1},
                                             {-3},    {0, 1},  {1, 2},    {0, 2},    {2, 0},
                                             {-1, 0}, {1, -3}, {0, 1, 2}, {2, 1, 0}, {-2, -1, -3}};

}  // namespace

TEST_CASE("sums over any axes, in any order and layout, are exact for integers") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64, Dtype::int64}) {
    for (const Shape& shape : {Shape{3, 4, 5}, Shape{1, 17, 2}, Shape{2, 3, 1}, Shape{2, 1, 37}}) {
      for (const Tensor& x : disguises(counting(shape, dtype))) {
        for (const std::vector<int>& axes : kAxes) {
          const Shape with_ones = kept(shape, axes);
          const Tensor y = sum(x, axes, true), z = sum(x, axes);
          REQUIRE(y.shape() == with_ones);
          REQUIRE(z.shape() == dropped(shape, with_ones, axes));
          REQUIRE(y.dtype() == dtype);
          REQUIRE(y.to_vector() == added_up(x, with_ones));
          REQUIRE(z.to_vector() == y.to_vector());
        }
      }
    }
  }
}

TEST_CASE("the sum of a single number is that number, in memory of its own") {
  const Tensor x = scalar(3);
  CHECK(sum(x).item() == 3);
  CHECK(sum(x).shape() == Shape{});
  CHECK(!sum(x).shares_storage_with(x));
  CHECK(sum(ones({1, 1})).item() == 1);
}

TEST_CASE("int64 sums are exact where double would round") {
  const int64_t big = (int64_t{1} << 60) + 1;
  const Tensor x = Tensor::of<int64_t>({big, 1, big, 2}, {2, 2});
  CHECK(sum(x).data<int64_t>()[0] == 2 * big + 3);
  CHECK(sum(x, {0}).data<int64_t>()[0] == 2 * big);
  CHECK(sum(x, {1}).data<int64_t>()[1] == big + 2);
}

TEST_CASE("rows are summed in lib's order of lanes, columns from top to bottom, bit by bit") {
  qkv::lib::Generator generator(1);
  const Tensor x = normal({37, 101}, 0, 1, generator);
  const float* const data = x.data<float>();
  const Tensor rows = sum(x, {1}), columns = sum(x, {0});
  for (int64_t i = 0; i < 37; ++i) {
    CHECK(rows.data<float>()[i] == qkv::lib::sum<float>(101, data + i * 101));
  }
  for (int64_t j = 0; j < 101; ++j) {
    float total = 0;
    for (int64_t i = 0; i < 37; ++i) total += data[i * 101 + j];
    CHECK(columns.data<float>()[j] == total);
  }
  CHECK(sum(x).data<float>()[0] == qkv::lib::sum<float>(37 * 101, data));
}

TEST_CASE("a sum over nothing is 0") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64, Dtype::int64}) {
    const Tensor x = zeros({2, 0, 3}, dtype);
    CHECK(sum(x).item() == 0);
    CHECK(sum(x, {1}).shape() == Shape{2, 3});
    CHECK(sum(x, {1}).to_vector() == Numbers(6, 0));
    CHECK(sum(x, {1, 2}).to_vector() == Numbers(2, 0));
    CHECK(sum(x, {1, 2}, true).shape() == Shape{2, 1, 1});
    CHECK(sum(x, {0}).shape() == Shape{0, 3});
  }
}

TEST_CASE("the mean is the sum over the count") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    for (const Tensor& x : disguises(counting({3, 4, 5}, dtype))) {
      CHECK(mean(x).item() == 29.5);
      CHECK(mean(x, {0}).to_vector() == add(counting({20}, Dtype::float64), 20).to_vector());
      CHECK(mean(x, {-1}, true).shape() == Shape{3, 4, 1});
      CHECK(mean(x, {0, 2}).to_vector() == Numbers{22, 27, 32, 37});
    }
  }
  CHECK(mean(scalar(5)).item() == 5);
}

TEST_CASE("max and argmax find the first of the largest, along any axis") {
  const Tensor x = Tensor::of<double>({3, 9, 2, 9, 8, 7, 1, 9}, {2, 4});
  for (const Dtype dtype : {Dtype::float32, Dtype::float64, Dtype::int64}) {
    for (const Tensor& y : disguises(x.to(dtype))) {
      CHECK(max(y, 1).to_vector() == Numbers{9, 9});
      CHECK(argmax(y, 1).to_vector() == Numbers{1, 3});
      CHECK(max(y, 0).to_vector() == Numbers{8, 9, 2, 9});
      CHECK(argmax(y, -2).to_vector() == Numbers{1, 0, 0, 0});
      CHECK(max(y, -1, true).shape() == Shape{2, 1});
      CHECK(argmax(y, 0, true).shape() == Shape{1, 4});
      CHECK(max(y, 0).dtype() == dtype);
      CHECK(argmax(y, 0).dtype() == Dtype::int64);
    }
  }
  CHECK(max(Tensor::of<bool>({false, true}, {2}), 0).item() == 1);
  CHECK(max(full({3}, -kInf), 0).item() == -kInf);
  CHECK(argmax(full({3}, -kInf), 0).item() == 0);
}

TEST_CASE("NaN is the largest, wherever it stands, and argmax finds the first") {
  for (int64_t place = 0; place < 5; ++place) {
    Tensor x = counting({5});
    slice(x, 0, place, place + 1).fill_(kNan);
    CHECK(std::isnan(max(x, 0).item()));
    CHECK(argmax(x, 0).item() == static_cast<double>(place));
    slice(x, 0, place, 5).fill_(kNan);
    CHECK(argmax(x, 0).item() == static_cast<double>(place));
    CHECK(std::isnan(sum(x).item()));
    CHECK(std::isnan(mean(x).item()));
  }
}

TEST_CASE("all and any of bool tensors") {
  const Tensor mixed = Tensor::of<bool>({true, false, true, true}, {2, 2});
  CHECK(!all(mixed));
  CHECK(any(mixed));
  CHECK(all(transpose(slice(mixed, 0, 1, 2))));
  CHECK(!any(logical_not(slice(mixed, 0, 1, 2))));
  CHECK(all(zeros({0}, Dtype::boolean)));
  CHECK(!any(zeros({0}, Dtype::boolean)));
}

TEST_CASE("reduce_to undoes broadcasting by summing") {
  const Tensor x = counting({2, 3, 4});
  for (const Shape& shape : {Shape{2, 3, 4}, Shape{3, 4}, Shape{4}, Shape{}, Shape{1}, Shape{3, 1},
                             Shape{2, 1, 1}, Shape{1, 3, 1}, Shape{1, 1, 4}, Shape{1, 1, 1}}) {
    for (const Tensor& y : disguises(x)) {
      const Tensor reduced = reduce_to(y, shape);
      CHECK(reduced.shape() == shape);
      CHECK(reduced.to_vector() == added_up(x, shape));
    }
  }
  CHECK(reduce_to(zeros({0, 3}), {1, 3}).to_vector() == Numbers{0, 0, 0});
}

TEST_CASE("reductions refuse by name") {
  const Tensor x = zeros({2, 3}), empty = zeros({2, 0}), mask = zeros({3}, Dtype::boolean);
  CHECK(refusal([&] { return sum(x, {2}); }) ==
        "sum: axis 2 is out of range for a tensor of rank 2; need -2 <= axis < 2");
  CHECK(refusal([&] { return sum(x, {0, -2}); }) == "sum: axis 0 is named twice");
  CHECK(refusal([&] { return sum(mask); }) == "sum: needs numbers, got bool; convert with to()");
  CHECK(refusal([&] { return sum(scalar(1, Dtype::boolean)); }).starts_with("sum: "));
  CHECK(refusal([&] { return mean(x, {1, 1}); }) == "mean: axis 1 is named twice");
  CHECK(refusal([&] { return mean(empty); }) == "mean: no elements to average in shape (2, 0)");
  CHECK(refusal([&] { return mean(empty, {1}); }) ==
        "mean: no elements to average in shape (2, 0)");
  CHECK(mean(empty, {0}).shape() == Shape{0});  // no mean at all is not a mean of nothing
  CHECK(refusal([&] { return mean(zeros({3}, Dtype::int64)); }) ==
        "mean: needs float32 or float64, got int64");
  CHECK(refusal([&] { return max(empty, 1); }) == "max: axis 1 of shape (2, 0) is empty");
  CHECK(refusal([&] { return argmax(empty, -1); }) == "argmax: axis 1 of shape (2, 0) is empty");
  CHECK(max(empty, 0).shape() == Shape{0});
  CHECK(refusal([&] {
          return max(scalar(1), 0);
        }).starts_with("max: axis 0 is out of range for a tensor of rank 0"));
  CHECK(refusal([&] { return all(x); }) == "all: needs a bool tensor, got float32");
  CHECK(refusal([&] { return any(x); }) == "any: needs a bool tensor, got float32");
  CHECK(refusal([&] {
          return reduce_to(x, {2});
        }).starts_with("reduce_to: shapes do not broadcast: (2,) and (2, 3)"));
  CHECK(refusal([&] {
          return reduce_to(x, {4, 2, 3});
        }) == "reduce_to: (4, 2, 3) does not broadcast to (2, 3)");
}
