// The backward forms of functions of many numbers: the slope times dy, at awkward lengths, in
// place, within their windows, under every instruction set.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "lib/random.h"
#include "lib/vector_math.h"
#include "tests/determinism/settings.h"
#include "tests/lib/window.h"

using namespace qkv::lib;
using namespace qkv::tests;

namespace {

constexpr int64_t kLengths[] = {0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 1009};

double gelu_slope(double x) {
  return 0.5 * std::erfc(-x * std::sqrt(0.5)) +
         x * std::exp(-0.5 * x * x) / std::sqrt(2 * std::acos(-1.0));
}
double gelu_tanh_slope(double x) {
  const double root = std::sqrt(2 / std::acos(-1.0));
  const double t = std::tanh(root * (x + 0.044715 * x * x * x));
  return (1 + t) / 2 + x * (1 - t * t) / 2 * root * (1 + 3 * 0.044715 * x * x);
}

template <class T>
std::vector<T> normals(int64_t n, uint64_t seed) {
  Generator generator(seed);
  std::vector<T> x(static_cast<size_t>(n));
  for (T& v : x) v = static_cast<T>(generator.normal());
  return x;
}

}  // namespace

TEST_CASE_TEMPLATE("backward forms multiply dy by the slope, at any length and in place", T, float,
                   double) {
  struct Row {
    Function f;
    double (*slope)(double saved);
  };
  const T tolerance = sizeof(T) == 4 ? T(4e-7) : T(2e-15);
  for_each_isa([&] {
    for (const Row& row : {Row{Function::tanh, [](double y) { return 1 - y * y; }},
                           {Function::sigmoid, [](double y) { return y * (1 - y); }},
                           {Function::relu, [](double y) { return y > 0 ? 1.0 : 0.0; }},
                           {Function::gelu, [](double x) { return gelu_slope(x); }},
                           {Function::gelu_tanh, [](double x) { return gelu_tanh_slope(x); }}}) {
      for (const int64_t behind : kBehind) {
        for (const int64_t n : kLengths) {
          const Window<T> saved(normals<T>(n, 5), behind), dy(normals<T>(n, 6), behind);
          const Window<T> dx(n, behind);
          map_backward(row.f, n, saved.data(), dy.data(), dx.data());
          for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
            const double x = saved.values()[i], exact = dy.values()[i] * row.slope(x);
            REQUIRE(std::fabs(dx.values()[i] - exact) <= tolerance * (1 + std::fabs(exact)) * 4);
          }
          map_backward(row.f, n, saved.data(), dy.data(), dy.data());
          REQUIRE(dy.values() == dx.values());
          REQUIRE(saved.intact());
          REQUIRE(dy.intact());
          REQUIRE(dx.intact());
        }
      }
    }
  });
}

TEST_CASE("relu's backward lets nothing pass at 0, below it, or where the result is NaN") {
  for_each_isa([] {
    const std::vector<float> y = {0, -0.0f, std::numeric_limits<float>::quiet_NaN(), 1e-45f,
                                  HUGE_VALF},
                             dy = {std::numeric_limits<float>::quiet_NaN(), HUGE_VALF, 1, 2, 3};
    std::vector<float> dx(5);
    map_backward(Function::relu, 5, y.data(), dy.data(), dx.data());
    CHECK(dx == std::vector<float>{0, 0, 0, 2, 3});
  });
}
