// Tensors made from a rule: constants, counts and random numbers.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <set>

#include "tensor/tensor.h"
#include "tests/compare.h"

using namespace qkv::tensor;
using namespace qkv::tests;
using qkv::lib::Generator;
using Numbers = std::vector<double>;

namespace {

constexpr Dtype kDtypes[] = {Dtype::float32, Dtype::float64, Dtype::int64, Dtype::boolean};

struct Moments {
  double mean, variance;
};

Moments moments(const Tensor& t) {
  const Numbers x = t.to_vector();
  double mean = 0, variance = 0;
  for (const double v : x) mean += v / static_cast<double>(x.size());
  for (const double v : x) variance += (v - mean) * (v - mean) / static_cast<double>(x.size());
  return {mean, variance};
}

}  // namespace

TEST_CASE("constants of every type and shape") {
  for (const Dtype dtype : kDtypes) {
    for (const Shape& shape : {Shape{}, Shape{3}, Shape{2, 3}, Shape{0, 5}}) {
      const auto n = static_cast<size_t>(shape.numel());
      CHECK(zeros(shape, dtype).to_vector() == Numbers(n, 0));
      CHECK(ones(shape, dtype).to_vector() == Numbers(n, 1));
      CHECK(full(shape, 1, dtype).shape() == shape);
      CHECK(full(shape, 1, dtype).dtype() == dtype);
    }
  }
  CHECK(full({2}, -2.5).to_vector() == Numbers{-2.5, -2.5});
  CHECK(full({2}, -3, Dtype::int64).to_vector() == Numbers{-3, -3});
  CHECK(std::isnan(full({1}, std::numeric_limits<double>::quiet_NaN()).item()));
  CHECK(zeros({1}).dtype() == Dtype::float32);
}

TEST_CASE("a scalar has rank 0") {
  CHECK(scalar(0.5).shape() == Shape{});
  CHECK(scalar(0.5).item() == 0.5);
  CHECK(scalar(0.1).item() == 0.1f);
  CHECK(scalar(0.1, Dtype::float64).item() == 0.1);
}

TEST_CASE("arange counts from 0") {
  CHECK(arange(4).to_vector() == Numbers{0, 1, 2, 3});
  CHECK(arange(4).dtype() == Dtype::int64);
  CHECK(arange(3, Dtype::float32).to_vector() == Numbers{0, 1, 2});
  CHECK(arange(0).shape() == Shape{0});
  CHECK(refusal([] { return arange(-1); }) == "shape: negative size in (-1,)");
}

TEST_CASE("random fills take the generator's numbers in row-major order") {
  Generator a(5), b(5);
  const Tensor u = uniform({2, 3}, -1, 3, a, Dtype::float64);
  for (const double x : u.to_vector()) CHECK(x == -1 + 4 * b.uniform());
  const Tensor z = normal({3, 2}, 10, 0.5, a, Dtype::float64);
  for (const double x : z.to_vector()) CHECK(x == 10 + 0.5 * b.normal());
  const Tensor k = integers({4}, -2, 3, a);
  for (const double x : k.to_vector()) CHECK(x == static_cast<double>(b.integer(-2, 3)));
  CHECK(a.position() == b.position());
}

TEST_CASE("float32 and float64 from the same generator agree to float32 precision") {
  Generator a(6), b(6);
  const Tensor fine = normal({100}, 0, 1, a, Dtype::float64), coarse = normal({100}, 0, 1, b);
  CHECK(coarse.dtype() == Dtype::float32);
  CHECK(fine.to(Dtype::float32).to_vector() == coarse.to_vector());
}

// The mean of n numbers of variance s² strays by s/√n; five times that is a chance of one in a
// million, and the seed is fixed.
TEST_CASE("random fills have the distribution they are named after") {
  Generator generator(7);
  const int64_t n = 100'000;
  const double root_n = std::sqrt(static_cast<double>(n));
  const Tensor u = uniform({n}, 2, 4, generator);
  CHECK(std::fabs(moments(u).mean - 3) <= 5 * std::sqrt(4.0 / 12) / root_n);
  CHECK(std::fabs(moments(u).variance - 4.0 / 12) <= 0.01);
  for (const double x : u.to_vector()) REQUIRE((x >= 2 && x <= 4));
  const Tensor z = normal({n}, -1, 3, generator);
  CHECK(std::fabs(moments(z).mean + 1) <= 5 * 3 / root_n);
  CHECK(std::fabs(moments(z).variance - 9) <= 0.2);
  const Numbers k = integers({1000}, -2, 3, generator).to_vector();
  CHECK(std::set<double>(k.begin(), k.end()) == std::set<double>{-2, -1, 0, 1, 2});
}

TEST_CASE("random fills are floating, or int64 from a range that is not empty") {
  Generator generator(8);
  CHECK(refusal([&] { return uniform({2}, 0, 1, generator, Dtype::int64); }) ==
        "uniform: needs float32 or float64, got int64");
  CHECK(refusal([&] { return normal({2}, 0, 1, generator, Dtype::boolean); }) ==
        "normal: needs float32 or float64, got bool");
  CHECK(refusal([&] { return integers({2}, 3, 3, generator); }) != "not refused");
  CHECK(generator.position() == 0);
  CHECK(integers({2}, 0, 9, generator).dtype() == Dtype::int64);
}
