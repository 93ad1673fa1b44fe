// Elementwise arithmetic: the SIMD rung gives the definition's bits, for every operation, every way
// to repeat an operand, every instruction set, and rows that end at a page nobody may touch.
#include "lib/arithmetic.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "lib/random.h"
#include "tests/determinism/settings.h"
#include "tests/lib/window.h"

using namespace qkv::lib;
using namespace qkv::tests;

namespace {

constexpr Arithmetic kOperations[] = {Arithmetic::add, Arithmetic::sub, Arithmetic::mul,
                                      Arithmetic::div};

// How an operand of a (rows, n) plane lies in memory, and how many numbers it has.
struct Layout {
  const char* name;
  int64_t row_step, step, count;
};

std::vector<Layout> layouts(int64_t rows, int64_t n) {
  return {{"matrix", n, 1, rows * n},
          {"row", 0, 1, n},
          {"column", 1, 0, rows},
          {"number", 0, 0, 1},
          {"transposed", 1, rows, rows * n}};
}

template <class T>
std::vector<T> numbers(int64_t count, uint64_t seed) {
  Generator generator(seed);
  std::vector<T> x(static_cast<size_t>(count));
  for (T& v : x) v = static_cast<T>(generator.normal());
  return x;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

template <class T>
void compare_rungs(int64_t rows, int64_t n) {
  for (const Layout& la : layouts(rows, n)) {
    for (const Layout& lb : layouts(rows, n)) {
      INFO("rows ", rows, ", n ", n, ", ", la.name, " and ", lb.name);
      const Window<T> a(numbers<T>(la.count, 1)), b(numbers<T>(lb.count, 2));
      const Operand<T> x{a.data(), la.row_step, la.step}, z{b.data(), lb.row_step, lb.step};
      for (const Arithmetic op : kOperations) {
        std::vector<T> expected(static_cast<size_t>(rows * n));
        arithmetic_definition(op, rows, n, x, z, expected.data());
        const Window<T> y(rows * n);
        arithmetic(op, rows, n, x, z, y.data());
        CHECK(y.intact());
        CHECK(same_bits(y.values(), expected));
      }
    }
  }
}

// One result of the SIMD rung, in a row long enough for a full register.
template <class T>
T result(Arithmetic op, T a, T b) {
  T y[33];
  arithmetic<T>(op, 1, 33, {&a, 0, 0}, {&b, 0, 0}, y);
  CHECK(std::memcmp(&y[0], &y[32], sizeof(T)) == 0);
  return y[0];
}

}  // namespace

TEST_CASE(
    "arithmetic gives the definition's bits for every operation, layout and instruction set") {
  for_each_isa([] {
    for (const int64_t n : {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 100}) {
      for (const int64_t rows : {1, 3}) {
        compare_rungs<float>(rows, n);
        compare_rungs<double>(rows, n);
      }
    }
  });
}

TEST_CASE("arithmetic on a plane without elements writes nothing") {
  const float one = 1;
  for (const auto& [rows, n] : {std::pair<int64_t, int64_t>(0, 5), {5, 0}}) {
    const Window<float> y(0);
    arithmetic<float>(Arithmetic::add, rows, n, {&one, 0, 0}, {&one, 0, 0}, y.data());
    CHECK(y.intact());
  }
}

TEST_CASE("large planes are split among threads without a change, by rows or within one") {
  for (const auto& [rows, n] : {std::pair<int64_t, int64_t>(1, 100'003), {7, 20'011}, {3001, 37}}) {
    const std::vector<float> a = numbers<float>(rows * n, 3), b = numbers<float>(rows * n, 4);
    const std::vector<float> column = numbers<float>(rows, 5);
    std::vector<float> y(a.size()), expected(a.size());
    arithmetic<float>(Arithmetic::mul, rows, n, {a.data(), n, 1}, {b.data(), n, 1}, y.data());
    arithmetic_definition<float>(Arithmetic::mul, rows, n, {a.data(), n, 1}, {b.data(), n, 1},
                                 expected.data());
    CHECK(same_bits(y, expected));
    arithmetic<float>(Arithmetic::sub, rows, n, {a.data(), n, 1}, {column.data(), 1, 0}, y.data());
    arithmetic_definition<float>(Arithmetic::sub, rows, n, {a.data(), n, 1}, {column.data(), 1, 0},
                                 expected.data());
    CHECK(same_bits(y, expected));
  }
}

TEST_CASE("the result may take an operand's place") {
  std::vector<float> a = numbers<float>(35, 6), expected(35);
  const std::vector<float> b = numbers<float>(35, 7);
  arithmetic_definition<float>(Arithmetic::add, 1, 35, {a.data(), 0, 1}, {b.data(), 0, 1},
                               expected.data());
  arithmetic<float>(Arithmetic::add, 1, 35, {a.data(), 0, 1}, {b.data(), 0, 1}, a.data());
  CHECK(same_bits(a, expected));
}

TEST_CASE_TEMPLATE("special values of arithmetic are those of IEEE", T, float, double) {
  const T nan = std::numeric_limits<T>::quiet_NaN(), inf = std::numeric_limits<T>::infinity();
  for_each_isa([&] {
    for (const Arithmetic op : kOperations) {
      CHECK(std::isnan(result<T>(op, nan, 1)));
      CHECK(std::isnan(result<T>(op, 1, nan)));
    }
    CHECK(std::isnan(result<T>(Arithmetic::sub, inf, inf)));
    CHECK(std::isnan(result<T>(Arithmetic::mul, 0, inf)));
    CHECK(result<T>(Arithmetic::div, 1, 0) == inf);
  });
}
