// tensor::linear: x Wᵀ + b for positions of any arrangement and operands of any strides.
#include "tensor/linear.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tensor/elementwise.h"
#include "tensor/views.h"

using namespace qkv;
using namespace qkv::tensor;

namespace {

Tensor whole_numbers(const Shape& shape, uint64_t seed, Dtype dtype) {
  lib::Generator generator(seed);
  return integers(shape, -9, 10, generator).to(dtype);
}

// y[i, o] = b[o] + Σ_k x[i, k] W[o, k], by the formula.
std::vector<double> formula(const Tensor& x, const Tensor& W, const Tensor& b) {
  const int64_t in = W.shape()[1], out = W.shape()[0];
  const std::vector<double> xs = x.to_vector(), ws = W.to_vector();
  const std::vector<double> start =
      b.defined() ? b.to_vector() : std::vector<double>(static_cast<size_t>(out), 0);
  std::vector<double> y;
  for (size_t row = 0; row * static_cast<size_t>(in) < xs.size(); ++row) {
    for (size_t o = 0; o < static_cast<size_t>(out); ++o) {
      double sum = start[o];
      for (size_t k = 0; k < static_cast<size_t>(in); ++k) {
        sum += xs[row * static_cast<size_t>(in) + k] * ws[o * static_cast<size_t>(in) + k];
      }
      y.push_back(sum);
    }
  }
  return y;
}

}  // namespace

TEST_CASE("linear is exact on whole numbers, for every arrangement of positions") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    for (const auto& [in, out] : {std::pair<int64_t, int64_t>(1, 1), {3, 5}, {17, 16}, {33, 47}}) {
      const Tensor W = whole_numbers({out, in}, 1, dtype), b = whole_numbers({out}, 2, dtype);
      for (const Shape& positions : {Shape{}, Shape{1}, Shape{7}, Shape{2, 3}, Shape{2, 1, 4}}) {
        Shape shape = positions, expected = positions;
        shape.push_back(in), expected.push_back(out);
        const Tensor x = whole_numbers(shape, 3, dtype);
        CHECK(linear(x, W, b).shape() == expected);
        CHECK(linear(x, W, b).to_vector() == formula(x, W, b));
        CHECK(linear(x, W).to_vector() == formula(x, W, {}));
      }
    }
  }
}

TEST_CASE("linear reads operands of any strides") {
  const Tensor x = transpose(whole_numbers({4, 3, 2}, 1, Dtype::float32), 0, 2);  // (2, 3, 4)
  const Tensor W = transpose(whole_numbers({4, 5}, 2, Dtype::float32));           // (5, 4)
  const Tensor b = slice(whole_numbers({10}, 3, Dtype::float32), 0, 1, 10, 2);    // (5,)
  CHECK(linear(x, W, b).to_vector() == formula(x, W, b));
}

TEST_CASE("linear begins each sum with the bias: one rounding less than adding it afterwards") {
  const Tensor x = full({1, 1}, 1 + std::ldexp(1.0, -12)), W = x;  // the square needs 25 bits
  const Tensor b = full({1}, -1);
  CHECK(linear(x, W, b).item() == std::ldexp(1.0, -11) + std::ldexp(1.0, -24));
}

TEST_CASE("linear without positions, inputs or outputs") {
  CHECK(linear(zeros({0, 3}), zeros({5, 3}), zeros({5})).shape() == Shape{0, 5});
  CHECK(linear(zeros({2, 3}), zeros({0, 3}), zeros({0})).shape() == Shape{2, 0});
  const Tensor b = Tensor::of(std::vector<float>{4, 5}, {2});
  CHECK(linear(zeros({3, 0}), zeros({2, 0}), b).to_vector() ==
        std::vector<double>{4, 5, 4, 5, 4, 5});
  CHECK(linear(zeros({1, 0}), zeros({2, 0})).to_vector() == std::vector<double>{0, 0});
}

TEST_CASE("as_rows sees row-major positions as rows without a copy") {
  const Tensor x = zeros({2, 3, 4});
  CHECK(as_rows(x).shape() == Shape{6, 4});
  CHECK(as_rows(x).shares_storage_with(x));
  CHECK(as_rows(zeros({4})).shape() == Shape{1, 4});
  CHECK(as_rows(zeros({2, 0, 4})).shape() == Shape{0, 4});
  CHECK(as_rows(zeros({2, 3, 0})).shape() == Shape{6, 0});
}
