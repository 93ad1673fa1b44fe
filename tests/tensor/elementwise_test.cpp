// Elementwise operations: broadcasting of every layout, the four element types, NaN, and the
// message for each mistake.
#include "tensor/elementwise.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tensor/views.h"
#include "tests/compare.h"
#include "tests/tensor/disguises.h"

using namespace qkv::tensor;
using namespace qkv::tests;
using Numbers = std::vector<double>;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kRoot = 0.39894228040143268;  // 1 / √(2π)

struct Binary {
  std::string name;
  Tensor (*op)(const Tensor&, const Tensor&);
  double (*truth)(double, double);
};

const Binary kArithmetic[] = {
    {"add", add, [](double x, double y) { return x + y; }},
    {"sub", sub, [](double x, double y) { return x - y; }},
    {"mul", mul, [](double x, double y) { return x * y; }},
    {"maximum", maximum, [](double x, double y) { return std::max(x, y); }},
};
const Binary kDivision = {"div", div, [](double x, double y) { return x / y; }};
const Binary kComparisons[] = {
    {"equal", equal, [](double x, double y) { return x == y ? 1.0 : 0.0; }},
    {"less", less, [](double x, double y) { return x < y ? 1.0 : 0.0; }},
    {"less_equal", less_equal, [](double x, double y) { return x <= y ? 1.0 : 0.0; }},
    {"greater", greater, [](double x, double y) { return x > y ? 1.0 : 0.0; }},
};

struct Unary {
  std::string name;
  Tensor (*op)(const Tensor&);
  double (*truth)(double);
};

double normal_distribution(double x) { return 0.5 * std::erfc(-x * std::sqrt(0.5)); }
const Unary kFunctions[] = {
    {"neg", neg, [](double x) { return -x; }},
    {"abs", abs, [](double x) { return std::fabs(x); }},
    {"exp", exp, [](double x) { return std::exp(x); }},
    {"log", log, [](double x) { return std::log(x); }},
    {"sqrt", sqrt, [](double x) { return std::sqrt(x); }},
    {"tanh", tanh, [](double x) { return std::tanh(x); }},
    {"sigmoid", sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }},
    {"erf", erf, [](double x) { return std::erf(x); }},
    {"relu", relu, [](double x) { return x > 0 ? x : 0; }},
    {"gelu", gelu, [](double x) { return x * normal_distribution(x); }},
    {"gelu_tanh", gelu_tanh,
     [](double x) { return x * (1 + std::tanh(2 * kRoot * (x + 0.044715 * x * x * x))) / 2; }},
};

// -3, 2, 7, 1, -4, ...: small, and 0 is not among them.
Tensor small_integers(const Shape& shape, int64_t start, Dtype dtype) {
  Numbers x;
  for (int64_t i = 0; i < shape.numel(); ++i) {
    const int64_t v = (start + 5 * i) % 11 - 5;
    x.push_back(static_cast<double>(v == 0 ? 6 : v));
  }
  return Tensor::of(x, shape).to(dtype);
}

// The expected numbers of a binary operation, one element after the other.
Numbers expected(const Binary& b, const Tensor& x, const Tensor& y, const Shape& shape) {
  const Numbers from_x = x.to_vector(), from_y = y.to_vector();
  Numbers result;
  for (int64_t i = 0; i < shape.numel(); ++i) {
    result.push_back(b.truth(from_x[broadcast_place(x.shape(), shape, i)],
                             from_y[broadcast_place(y.shape(), shape, i)]));
  }
  return result;
}

// check(a, b, shape): pairs of operands that broadcast to `shape`, in every disguise.
template <class Check>
void for_each_pair(Dtype dtype, const Check& check) {
  struct Shapes {
    Shape a, b, together;
  };
  for (const Shapes& s : {Shapes{{}, {}, {}},
                          {{5}, {5}, {5}},
                          {{3, 5}, {3, 5}, {3, 5}},
                          {{3, 5}, {5}, {3, 5}},
                          {{3, 5}, {}, {3, 5}},
                          {{3, 1}, {1, 5}, {3, 5}},
                          {{3, 5}, {3, 1}, {3, 5}},
                          {{2, 1, 4}, {3, 1}, {2, 3, 4}},
                          {{0, 3}, {1, 3}, {0, 3}},
                          {{1}, {0}, {0}}}) {
    const Tensor a = small_integers(s.a, 1, dtype), b = small_integers(s.b, 4, dtype);
    for (const Tensor& x : disguises(a)) check(x, b, s.together), check(b, x, s.together);
    for (const Tensor& y : disguises(b)) check(y, y, y.shape());
  }
}

}  // namespace

TEST_CASE("arithmetic broadcasts operands of any strides, floating and int64") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64, Dtype::int64}) {
    for_each_pair(dtype, [&](const Tensor& a, const Tensor& b, const Shape& shape) {
      for (const Binary& binary : kArithmetic) {
        INFO(binary.name, " of ", a.shape().str(), " and ", b.shape().str());
        const Tensor c = binary.op(a, b);
        REQUIRE(c.shape() == shape);
        REQUIRE(c.dtype() == dtype);
        REQUIRE(c.is_contiguous());
        REQUIRE(c.to_vector() == expected(binary, a, b, shape));
      }
      if (dtype == Dtype::int64) return;
      const Tensor quotient = Tensor::of(expected(kDivision, a, b, shape), shape).to(dtype);
      REQUIRE(div(a, b).to_vector() == quotient.to_vector());  // rounded once
    });
  }
}

TEST_CASE("comparisons broadcast and give bool") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64, Dtype::int64, Dtype::boolean}) {
    for_each_pair(dtype, [&](const Tensor& a, const Tensor& b, const Shape& shape) {
      for (const Binary& binary : kComparisons) {
        const Tensor c = binary.op(a, b);
        REQUIRE(c.shape() == shape);
        REQUIRE(c.dtype() == Dtype::boolean);
        REQUIRE(c.to_vector() == expected(binary, a, b, shape));
      }
    });
  }
}

TEST_CASE("int64 arithmetic is exact where double would round") {
  const int64_t big = (int64_t{1} << 60) + 1;
  const Tensor a = Tensor::of<int64_t>({big}, {1}), b = Tensor::of<int64_t>({2}, {1});
  CHECK(add(a, b).data<int64_t>()[0] == big + 2);
  CHECK(sub(a, b).data<int64_t>()[0] == big - 2);
  CHECK(mul(a, b).data<int64_t>()[0] == 2 * big);
  CHECK(maximum(a, add(a, b)).data<int64_t>()[0] == big + 2);
  CHECK(less(a, add(a, 1)).item() == 1);
  CHECK(equal(a, add(a, 1)).item() == 0);
}

TEST_CASE("a number takes the dtype of the tensor it meets") {
  const Tensor x = Tensor::of<int64_t>({1, 2}, {2});
  CHECK(add(x, 3).to_vector() == Numbers{4, 5});
  CHECK(add(ones({2}), 0.1).to_vector() == Numbers(2, 1.0f + 0.1f));
  CHECK(add(ones({2}, Dtype::float64), 0.1).to_vector() == Numbers(2, 1.1));
}

TEST_CASE("NaN is not equal, not less, not greater, and the maximum of anything") {
  const Tensor numbers = Tensor::of<double>({1, kNan, kNan, kInf, -kInf, -0.0}, {6});
  const Tensor others = Tensor::of<double>({kNan, 1, kNan, kInf, kInf, 0.0}, {6});
  CHECK(equal(numbers, others).to_vector() == Numbers{0, 0, 0, 1, 0, 1});
  CHECK(less(numbers, others).to_vector() == Numbers{0, 0, 0, 0, 1, 0});
  CHECK(less_equal(numbers, others).to_vector() == Numbers{0, 0, 0, 1, 1, 1});
  CHECK(greater(others, numbers).to_vector() == Numbers{0, 0, 0, 0, 1, 0});
  const Numbers largest = maximum(numbers, others).to_vector();
  for (const size_t nan : std::vector<size_t>{0, 1, 2}) CHECK(std::isnan(largest[nan]));
  CHECK(largest[3] == kInf);
  CHECK(largest[4] == kInf);
  CHECK(is_finite(numbers).to_vector() == Numbers{1, 0, 0, 0, 0, 1});
}

TEST_CASE("division by zero and infinity minus infinity are IEEE's") {
  const Tensor x = Tensor::of<float>({1, -1, 0}, {3}), zero = scalar(0);
  const Numbers quotient = div(x, zero).to_vector();
  CHECK(quotient[0] == kInf);
  CHECK(quotient[1] == -kInf);
  CHECK(std::isnan(quotient[2]));
  CHECK(std::isnan(sub(scalar(kInf), scalar(kInf)).item()));
}

TEST_CASE("functions of one number agree with the standard library's, in every layout") {
  const Tensor positive =
      Tensor::of<double>({0.1, 0.5, 1, 1.5, 2, 3, 4, 5.5, 6, 7, 0.2, 9}, {3, 4});
  for (const Unary& unary : kFunctions) {
    INFO(unary.name);
    for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
      const double tolerance = dtype == Dtype::float32 ? 5e-7 : 2e-15;
      for (const double sign : {1, -1}) {
        if (sign < 0 && (unary.name == "log" || unary.name == "sqrt")) continue;
        const Tensor x = mul(positive, sign).to(dtype);
        Numbers truth = x.to_vector();
        for (double& v : truth) v = unary.truth(v);
        for (const Tensor& disguised : disguises(x)) {
          const Tensor y = unary.op(disguised);
          REQUIRE(y.shape() == x.shape());
          REQUIRE(y.dtype() == dtype);
          REQUIRE(relative_error(y.to_vector(), truth) <= tolerance);
        }
      }
    }
    CHECK(std::isnan(unary.op(scalar(kNan)).item()));
    CHECK(unary.op(zeros({2, 0})).shape() == Shape{2, 0});
  }
}

TEST_CASE("the logical operations broadcast") {
  const Tensor row = Tensor::of<bool>({true, false}, {2}), column = reshape(row, {2, 1});
  CHECK(logical_and(row, column).to_vector() == Numbers{1, 0, 0, 0});
  CHECK(logical_or(row, column).to_vector() == Numbers{1, 1, 1, 0});
  CHECK(logical_not(row).to_vector() == Numbers{0, 1});
  CHECK(logical_not(expand(row, {3, 2})).to_vector() == Numbers{0, 1, 0, 1, 0, 1});
}

TEST_CASE("where chooses element by element, all three operands broadcast") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64, Dtype::int64, Dtype::boolean}) {
    const Tensor condition = Tensor::of<bool>({true, false, true}, {3, 1});
    const Tensor a = small_integers({2, 1, 4}, 1, dtype), b = small_integers({4}, 3, dtype);
    const Shape shape = {2, 3, 4};
    Numbers truth;
    for (int64_t i = 0; i < shape.numel(); ++i) {
      const bool yes = i / 4 % 3 != 1;
      truth.push_back((yes ? a : b).to_vector()[broadcast_place((yes ? a : b).shape(), shape, i)]);
    }
    for (const Tensor& x : disguises(a)) {
      for (const Tensor& chosen : disguises(condition)) {
        const Tensor y = where(chosen, x, b);
        REQUIRE(y.shape() == shape);
        REQUIRE(y.dtype() == dtype);
        REQUIRE(y.to_vector() == truth);
      }
    }
  }
  CHECK(where(Tensor::of<bool>({true}, {}), scalar(1), scalar(kNan)).item() == 1);
}

TEST_CASE("masked_fill replaces where the mask is true, and does not change the shape") {
  const Tensor mask = Tensor::of<bool>({false, true, false}, {3});
  for (const Tensor& x : disguises(small_integers({2, 3}, 1, Dtype::float32))) {
    const Numbers before = x.to_vector();
    CHECK(masked_fill(x, mask, -kInf).to_vector() ==
          Numbers{before[0], -kInf, before[2], before[3], -kInf, before[5]});
    CHECK(x.to_vector() == before);
  }
  CHECK(masked_fill(full({3}, kNan), logical_not(mask), 0).to_vector()[0] == 0);  // not NaN * 0
  CHECK(refusal([&] {
          return masked_fill(zeros({3}), expand(mask, {2, 3}), 0);
        }) == "masked_fill: mask (2, 3) does not broadcast to x (3,)");
  CHECK(refusal([&] {
          return masked_fill(zeros({2}), mask, 0);
        }).starts_with("masked_fill: shapes do not broadcast: (3,) and (2,)"));
  CHECK(refusal([&] { return masked_fill(zeros({3}), zeros({3}), 0); }) ==
        "masked_fill: needs a bool tensor, got float32");
}

TEST_CASE("operands of different dtype or shape are refused by every binary operation, by name") {
  const Tensor x = zeros({2, 3}), wide = zeros({2, 3}, Dtype::float64), other = zeros({4});
  std::vector<Binary> all = {kDivision};
  all.insert(all.end(), std::begin(kArithmetic), std::end(kArithmetic));
  all.insert(all.end(), std::begin(kComparisons), std::end(kComparisons));
  for (const Binary& b : all) {
    CHECK(refusal([&] { return b.op(x, wide); }) ==
          b.name + ": dtypes differ: float32 and float64; convert one with to()");
    CHECK(refusal([&] { return b.op(x, other); }) ==
          b.name +
              ": shapes do not broadcast: (2, 3) and (4,); counted from the end, axis 1 has "
              "sizes 3 and 4, which must be equal or one of them 1");
  }
  const Tensor truth = zeros({3}, Dtype::boolean), whole = zeros({3}, Dtype::int64);
  for (const Binary& b : kArithmetic) {
    CHECK(refusal([&] { return b.op(truth, truth); }) ==
          b.name + ": needs float32 or float64, got bool");
  }
  CHECK(refusal([&] { return div(whole, whole); }) == "div: needs float32 or float64, got int64");
}

TEST_CASE("functions of one number refuse int64 and bool, masks refuse numbers, by name") {
  const Tensor whole = zeros({3}, Dtype::int64), x = zeros({3}), mask = zeros({3}, Dtype::boolean);
  for (const Unary& u : kFunctions) {
    CHECK(refusal([&] { return u.op(whole); }) == u.name + ": needs float32 or float64, got int64");
  }
  CHECK(refusal([&] { return is_finite(mask); }) ==
        "is_finite: needs float32 or float64, got bool");
  CHECK(refusal([&] { return logical_and(mask, x); }) ==
        "logical_and: needs a bool tensor, got float32");
  CHECK(refusal([&] { return logical_or(x, mask); }) ==
        "logical_or: needs a bool tensor, got float32");
  CHECK(refusal([&] { return logical_not(whole); }) ==
        "logical_not: needs a bool tensor, got int64");
  CHECK(refusal([&] { return where(x, x, x); }) == "where: needs a bool tensor, got float32");
  CHECK(refusal([&] { return where(mask, x, whole); }) ==
        "where: dtypes differ: float32 and int64; convert one with to()");
  CHECK(refusal([&] {
          return where(mask, x, zeros({2}));
        }).starts_with("where: shapes do not broadcast: (3,) and (2,)"));
}
