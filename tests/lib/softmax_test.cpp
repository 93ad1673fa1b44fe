// Softmax of rows: the formula in long double, rows of special values, rows that end at a page
// nobody may touch. Both rungs, every instruction set.
#include "lib/softmax.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "lib/random.h"
#include "tests/determinism/settings.h"
#include "tests/lib/window.h"

using namespace qkv::lib;
using namespace qkv::tests;

namespace {

template <class T>
constexpr T kInf = std::numeric_limits<T>::infinity();
template <class T>
constexpr T kNan = std::numeric_limits<T>::quiet_NaN();

template <class T>
using Rung = void (*)(RowsShape, const T*, T*);
template <class T>
constexpr Rung<T> kRungs[] = {softmax_definition<T>, softmax<T>};

// Widths around the 16 lanes of float and the 8 of double.
constexpr int64_t kWidths[] = {1,  2,  3,  7,  8,  9,  15, 16,  17,  31,   32,
                               33, 47, 48, 49, 63, 64, 65, 100, 257, 1009, 4111};

template <class T>
std::vector<T> normal_numbers(int64_t count, double deviation) {
  Generator generator(static_cast<uint64_t>(count));
  std::vector<T> x(static_cast<size_t>(count));
  for (T& v : x) v = static_cast<T>(deviation * generator.normal());
  return x;
}

template <class T>
std::vector<T> softmax_of(const std::vector<T>& row, Rung<T> rung, bool empty_row_is_zero = false) {
  std::vector<T> y(row.size(), T(-1));
  rung({1, static_cast<int64_t>(row.size()), empty_row_is_zero}, row.data(), y.data());
  return y;
}

// The largest error of a row, relative to the weight itself: small weights count as much as large.
template <class T>
double worst_error(int64_t n, const T* x, const T* y) {
  const long double m = *std::max_element(x, x + n);
  long double total = 0;
  for (int64_t i = 0; i < n; ++i) total += std::exp(x[i] - m);
  double worst = 0;
  for (int64_t i = 0; i < n; ++i) {
    const long double truth = std::exp(x[i] - m) / total;
    const auto error = static_cast<double>(std::fabs(y[i] - truth) / truth);
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

template <class T>
bool all_nan(const std::vector<T>& y) {
  return std::all_of(y.begin(), y.end(), [](T v) { return std::isnan(v); });
}

template <class T>
bool all_zero(const std::vector<T>& y) {
  return std::all_of(y.begin(), y.end(), [](T v) { return v == 0; });
}

// check(rung) for both rungs under every instruction set.
template <class T, class Check>
void for_each_rung(const Check& check) {
  for_each_isa([&] {
    for (const Rung<T> rung : kRungs<T>) check(rung);
  });
}

}  // namespace

// Each weight suffers the rounding of x - m (up to 40 here, times half a unit), of exp, of the
// division or product: some dozen roundings. Then those of the sum: n one by one, or n / lanes.
TEST_CASE_TEMPLATE("softmax agrees with the formula in every weight", T, float, double) {
  for_each_isa([&] {
    for (const int64_t n : kWidths) {
      const int64_t rows = n % 2 == 0 ? 5 : 37;  // fewer and more than a register has lanes
      const std::vector<T> x = normal_numbers<T>(rows * n, 5);
      for (const Rung<T> rung : kRungs<T>) {
        std::vector<T> y(x.size());
        rung({rows, n}, x.data(), y.data());
        const double additions = static_cast<double>(rung == kRungs<T>[0] ? n : n / 8);
        for (int64_t row = 0; row < rows; ++row) {
          const double error = worst_error(n, x.data() + row * n, y.data() + row * n);
          REQUIRE(error <= (50 + additions) * std::numeric_limits<T>::epsilon() / 2);
        }
      }
    }
  });
}

TEST_CASE_TEMPLATE("equal scores get equal weights and one score gets all", T, float, double) {
  for_each_rung<T>([](Rung<T> rung) {
    CHECK(softmax_of<T>({T(-3)}, rung) == std::vector<T>{1});
    for (const T score : {T(0), T(-0.0), T(1e30), T(-1e30)}) {
      for (const int64_t n : {2, 4, 16, 32, 64}) {
        const auto size = static_cast<size_t>(n);
        const std::vector<T> even(size, T(1) / static_cast<T>(n));
        CHECK(softmax_of(std::vector<T>(size, score), rung) == even);
      }
    }
  });
}

TEST_CASE_TEMPLATE("neither large scores nor large differences overflow", T, float, double) {
  const T huge = std::numeric_limits<T>::max();
  for_each_rung<T>([&](Rung<T> rung) {
    CHECK(softmax_of<T>({1000, 0, -1000}, rung) == std::vector<T>{1, 0, 0});
    CHECK(softmax_of<T>({huge, huge, -huge}, rung) == std::vector<T>{T(0.5), T(0.5), 0});
  });
}

TEST_CASE_TEMPLATE("a score of -inf gets weight 0, whichever place it has", T, float, double) {
  for_each_rung<T>([](Rung<T> rung) {
    for (const int64_t n : kWidths) {
      for (int64_t allowed = 0; allowed < n; allowed += 1 + n / 5) {
        std::vector<T> x(static_cast<size_t>(n), -kInf<T>), expected(static_cast<size_t>(n));
        x[static_cast<size_t>(allowed)] = 3, expected[static_cast<size_t>(allowed)] = 1;
        REQUIRE(softmax_of(x, rung) == expected);
        REQUIRE(softmax_of(x, rung, true) == expected);
      }
    }
  });
}

TEST_CASE_TEMPLATE("one NaN or one +inf makes the whole row NaN, whichever place it has", T, float,
                   double) {
  for_each_rung<T>([](Rung<T> rung) {
    for (const bool empty_row_is_zero : {false, true}) {
      for (const T bad : {kNan<T>, -kNan<T>, kInf<T>}) {
        for (const T others : {T(1), -kInf<T>}) {
          for (const int64_t n : {1, 2, 15, 16, 17, 33}) {
            for (int64_t place = 0; place < n; ++place) {
              std::vector<T> x(static_cast<size_t>(n), others);
              x[static_cast<size_t>(place)] = bad;
              REQUIRE(all_nan(softmax_of(x, rung, empty_row_is_zero)));
            }
          }
        }
      }
    }
  });
}

TEST_CASE_TEMPLATE("a row of nothing but -inf gives NaN, or zeros if asked", T, float, double) {
  for_each_rung<T>([](Rung<T> rung) {
    for (const int64_t n : kWidths) {
      const std::vector<T> empty(static_cast<size_t>(n), -kInf<T>);
      REQUIRE(all_nan(softmax_of(empty, rung)));
      REQUIRE(all_zero(softmax_of(empty, rung, true)));
    }
  });
}

TEST_CASE_TEMPLATE("rows do not disturb one another", T, float, double) {
  const std::vector<T> x = {1, 1, kNan<T>, 1, -kInf<T>, -kInf<T>, 5, 5, kInf<T>, 0, 2, 2};
  for_each_rung<T>([&](Rung<T> rung) {
    std::vector<T> y(x.size());
    rung({6, 2, true}, x.data(), y.data());
    for (const size_t healthy : std::vector<size_t>{0, 1, 6, 7, 10, 11})
      CHECK(y[healthy] == T(0.5));
    for (const size_t nan : std::vector<size_t>{2, 3, 8, 9}) CHECK(std::isnan(y[nan]));
    for (const size_t zero : std::vector<size_t>{4, 5}) CHECK(y[zero] == 0);
  });
}

TEST_CASE_TEMPLATE("a row has the same bits alone and in company", T, float, double) {
  for_each_isa([] {
    for (const int64_t n : {1, 16, 20, 33, 48, 64, 65, 300, 3000}) {
      const int64_t rows = 37;
      const std::vector<T> x = normal_numbers<T>(rows * n, 3);
      std::vector<T> together(x.size()), alone(x.size());
      softmax<T>({rows, n}, x.data(), together.data());
      for (int64_t at = 0; at < rows * n; at += n) {
        softmax<T>({1, n}, x.data() + at, alone.data() + at);
      }
      REQUIRE(together == alone);
    }
  });
}

TEST_CASE_TEMPLATE("softmax stays inside its rows, and may overwrite its input", T, float, double) {
  for_each_rung<T>([](Rung<T> rung) {
    for (const int64_t behind : kBehind) {
      for (const int64_t n : kWidths) {
        for (const int64_t rows : {1, 3, 35}) {
          const std::vector<T> x = normal_numbers<T>(rows * n, 1);
          const Window<T> in(x, behind), out(rows * n, behind);
          rung({rows, n}, in.data(), out.data());
          for (int64_t row = 0; row < rows; ++row) {  // NaN from outside would show here
            REQUIRE(worst_error(n, in.data() + row * n, out.data() + row * n) <= 1e-4);
          }
          REQUIRE(in.values() == x);
          rung({rows, n}, in.data(), in.data());
          REQUIRE(in.values() == out.values());
          REQUIRE(in.intact());
          REQUIRE(out.intact());
        }
      }
    }
  });
}

TEST_CASE_TEMPLATE("no rows and no columns are fine", T, float, double) {
  for_each_rung<T>([](Rung<T> rung) {
    for (const bool empty_row_is_zero : {false, true}) {
      CHECK_NOTHROW(rung({0, 7, empty_row_is_zero}, nullptr, nullptr));
      CHECK_NOTHROW(rung({7, 0, empty_row_is_zero}, nullptr, nullptr));
    }
  });
}
