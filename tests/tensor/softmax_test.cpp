// Softmax, log_softmax and masked_softmax of tensors: any axis and layout, special values, masks.
#include "tensor/softmax.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "lib/random.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"
#include "tensor/views.h"
#include "tests/compare.h"
#include "tests/tensor/disguises.h"

using namespace qkv::tensor;
using namespace qkv::tests;
using Numbers = std::vector<double>;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

Tensor normals(const Shape& shape, Dtype dtype = Dtype::float64) {
  qkv::lib::Generator generator(3);
  return normal(shape, 0, 3, generator, dtype);
}

// The formula without the shift by the maximum: fine for small numbers.
Tensor formula(const Tensor& x, int axis) {
  const Tensor e = exp(x.to(Dtype::float64));
  return div(e, sum(e, {axis}, true));
}

double tolerance(Dtype dtype) { return dtype == Dtype::float32 ? 1e-6 : 1e-14; }

// A square of (T, T) where query i may see keys 0 .. i.
Tensor causal(int64_t size) { return less_equal(arange(size), reshape(arange(size), {size, 1})); }

bool all_nan(const Tensor& x) {
  const Numbers numbers = x.to_vector();
  for (const double v : numbers) {
    if (!std::isnan(v)) return false;
  }
  return !numbers.empty();
}

}  // namespace

TEST_CASE("logsumexp follows the formula along any axis, in any layout") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    const Tensor x = normals({3, 4, 5}, dtype);
    for (const Tensor& disguised : disguises(x)) {
      for (const int axis : {0, 1, 2, -1, -3}) {
        const Tensor truth = log(sum(exp(x.to(Dtype::float64)), {axis}));
        CHECK(logsumexp(disguised, axis).dtype() == dtype);
        CHECK(relative_error(logsumexp(disguised, axis), truth) <= tolerance(dtype));
        CHECK(relative_error(logsumexp(disguised, axis, true), unsqueeze(truth, axis)) <=
              tolerance(dtype));
      }
    }
  }
}

TEST_CASE("logsumexp neither overflows nor gives NaN where the sum has a value") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    const auto of = [&](Numbers row) {
      const auto n = static_cast<int64_t>(row.size());
      return logsumexp(Tensor::of(row, {n}).to(dtype), 0).item();
    };
    CHECK(std::fabs(of({1000, 1000}) - (1000 + std::log(2))) <= 1e-4);
    CHECK(std::fabs(of({-1000, -1000}) - (-1000 + std::log(2))) <= 1e-4);
    CHECK(of({7}) == 7);
    CHECK(of({-kInf, -kInf}) == -kInf);
    CHECK(of({-kInf, 3}) == 3);
    CHECK(of({kInf, 3}) == kInf);
    CHECK(std::isnan(of({kNan, 3})));
  }
  CHECK(logsumexp(zeros({0, 3}), 1).shape() == Shape{0});
  CHECK(refusal([] {
          return logsumexp(zeros({3, 0}), 1);
        }) == "logsumexp: axis 1 of shape (3, 0) is empty");
  CHECK(refusal([] { return logsumexp(arange(3), 0); }) ==
        "logsumexp: needs float32 or float64, got int64");
}

TEST_CASE("softmax and log_softmax follow the formula along any axis, in any layout") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    const Tensor x = normals({3, 4, 5}, dtype);
    for (const Tensor& disguised : disguises(x)) {
      for (const int axis : {0, 1, 2, -1, -2, -3}) {
        const Tensor y = softmax(disguised, axis), z = log_softmax(disguised, axis);
        CHECK(y.is_contiguous());
        CHECK(y.dtype() == dtype);
        CHECK(z.is_contiguous());
        CHECK(relative_error(y, formula(x, axis)) <= tolerance(dtype));
        CHECK(relative_error(z, log(formula(x, axis))) <= tolerance(dtype));
      }
    }
  }
}

TEST_CASE("adding a constant to all scores changes nothing, and large ones do not overflow") {
  const Tensor x = Tensor::of<double>({1, 2, 3}, {3});
  CHECK(relative_error(softmax(add(x, 1000), 0), softmax(x, 0)) <= 1e-12);
  CHECK(relative_error(log_softmax(add(x, -1000), 0), log_softmax(x, 0)) <= 1e-12);
  const Tensor far = Tensor::of<float>({0, 1000}, {2});
  CHECK(softmax(far, 0).to_vector() == Numbers{0, 1});
  CHECK(log_softmax(far, 0).to_vector() == Numbers{-1000, 0});  // log(softmax) would be -inf
}

TEST_CASE("NaN, +inf and nothing but -inf make a row NaN, and no other row") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    const Tensor x =
        Tensor::of<double>({1, kNan, kInf, 1, -kInf, -kInf, 0, -kInf}, {4, 2}).to(dtype);
    for (const auto f : {softmax, log_softmax}) {
      const Tensor y = f(x, 1);
      for (const int64_t row : {0, 1, 2}) CHECK(all_nan(select(y, 0, row)));
      const double one = f == softmax ? 1 : 0, none = f == softmax ? 0 : -kInf;
      CHECK(select(y, 0, 3).to_vector() == Numbers{one, none});
    }
  }
}

TEST_CASE("softmax of empty tensors and of single numbers") {
  for (const auto f : {softmax, log_softmax}) {
    CHECK(f(zeros({0, 3}), 1).shape() == Shape{0, 3});
    CHECK(f(zeros({0, 3}), 0).shape() == Shape{0, 3});
    CHECK(f(zeros({3, 0}), 1).shape() == Shape{3, 0});
    CHECK(f(full({2, 1}, -7), 1).to_vector() == Numbers(2, f == softmax ? 1 : 0));
  }
  CHECK(masked_softmax(zeros({3, 0}), zeros({3, 0}, Dtype::boolean)).shape() == Shape{3, 0});
}

TEST_CASE("masked_softmax is the softmax of the allowed scores, and 0 elsewhere") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    const Tensor x = normals({2, 4, 4}, dtype);
    for (const Tensor& disguised : disguises(x)) {
      const Tensor y = masked_softmax(disguised, causal(4));  // the mask broadcasts to both
      for (const int64_t batch : {0, 1}) {
        for (int64_t query = 0; query < 4; ++query) {
          const Tensor scores = select(select(x, 0, batch), 0, query);
          const Tensor weights = select(select(y, 0, batch), 0, query);
          const Tensor seen = slice(scores, 0, 0, query + 1);
          CHECK(relative_error(slice(weights, 0, 0, query + 1), softmax(seen, 0)) <=
                tolerance(dtype));
          CHECK(slice(weights, 0, query + 1, 4).to_vector() ==
                Numbers(static_cast<size_t>(3 - query), 0));
        }
      }
    }
  }
}

TEST_CASE("what stands behind the mask has no influence at all, NaN and infinity included") {
  const Tensor x = normals({4, 4}, Dtype::float32);
  const Tensor clean = masked_softmax(x, causal(4));
  for (const double garbage : {kNan, kInf, -kInf, 1e30}) {
    const Tensor dirty = masked_fill(x, logical_not(causal(4)), garbage);
    CHECK(masked_softmax(dirty, causal(4)).to_vector() == clean.to_vector());
  }
}

TEST_CASE("a row without any allowed score gets weights 0, not NaN") {
  const Tensor mask = Tensor::of<bool>({false, true}, {2, 1});
  for (const double score : {1.0, kNan, kInf}) {
    Tensor x = ones({2, 3});
    select(x, 0, 0).fill_(score);
    const Tensor y = masked_softmax(x, mask);
    CHECK(select(y, 0, 0).to_vector() == Numbers{0, 0, 0});
    CHECK(relative_error(select(y, 0, 1), full({3}, 1.0 / 3)) <= 1e-7);
  }
}

// Otherwise a model whose scores have become NaN would quietly attend to nothing.
TEST_CASE("NaN among the allowed scores is not hidden by the mask") {
  const Tensor mask = Tensor::of<bool>({true, false, false}, {3});
  const Tensor x = Tensor::of<float>({static_cast<float>(kNan), 1, 2}, {3});
  CHECK(all_nan(masked_softmax(x, mask)));
}

TEST_CASE("softmax refuses by name") {
  const Tensor x = zeros({2, 3}), whole = zeros({2, 3}, Dtype::int64);
  const Tensor mask = zeros({2, 3}, Dtype::boolean);
  CHECK(refusal([&] { return softmax(x, 2); }) ==
        "softmax: axis 2 is out of range for a tensor of rank 2; need -2 <= axis < 2");
  CHECK(refusal([&] {
          return log_softmax(scalar(1), 0);
        }).starts_with("log_softmax: axis 0 is out of range for a tensor of rank 0"));
  CHECK(refusal([&] { return softmax(whole, 0); }) ==
        "softmax: needs float32 or float64, got int64");
  CHECK(refusal([&] { return log_softmax(mask, 0); }) ==
        "log_softmax: needs float32 or float64, got bool");
  CHECK(refusal([&] { return masked_softmax(whole, mask); }) ==
        "masked_softmax: needs float32 or float64, got int64");
  CHECK(refusal([&] { return masked_softmax(x, x); }) ==
        "masked_softmax: needs a bool mask, got float32");
  CHECK(refusal([&] { return masked_softmax(scalar(1), mask); }) ==
        "masked_softmax: needs at least one axis");
  CHECK(refusal([&] { return masked_softmax(select(x, 0, 0), mask); }) ==
        "masked_softmax: mask (2, 3) does not broadcast to x (3,)");
}
