// The relatives of softmax: masked, logarithm, and the slopes. Formulas in long double, NaN and
// infinity, rows alone and in company, memory that ends with the last row. Every instruction set.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "lib/random.h"
#include "lib/softmax.h"
#include "tests/compare.h"
#include "tests/determinism/settings.h"
#include "tests/lib/window.h"

using namespace qkv::lib;
using namespace qkv::tests;

namespace {

template <class T>
constexpr T kInf = std::numeric_limits<T>::infinity();
template <class T>
constexpr T kNan = std::numeric_limits<T>::quiet_NaN();

constexpr int64_t kWidths[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 48, 64, 65, 101, 1009};
constexpr int64_t kRows = 19;  // more than a register has lanes, and no multiple

template <class T>
std::vector<T> numbers(int64_t count, uint64_t seed) {
  Generator generator(seed);
  std::vector<T> x(static_cast<size_t>(count));
  for (T& v : x) v = static_cast<T>(2 * generator.normal());
  return x;
}

template <class T>
std::vector<double> as_doubles(const std::vector<T>& x) {
  return std::vector<double>(x.begin(), x.end());
}

// What may be seen: about two of three, in row 3 nothing. std::vector<bool> has no data().
struct Allowed {
  explicit Allowed(int64_t rows, int64_t n) : flags(static_cast<size_t>(rows * n)) {
    Generator generator(5);
    for (size_t i = 0; i < flags.size(); ++i) {
      flags[i] = generator.uniform() < 0.7 && static_cast<int64_t>(i) / n != 3;
    }
  }
  [[nodiscard]] const bool* data() const { return reinterpret_cast<const bool*>(flags.data()); }
  std::vector<unsigned char> flags;
};

// dx of one row by the formula, weights being softmax(x) or its logarithm.
template <class T>
std::vector<double> slope(const std::vector<T>& dy, const std::vector<T>& y, int64_t n, bool log) {
  std::vector<double> dx;
  for (int64_t at = 0; at < static_cast<int64_t>(y.size()); at += n) {
    long double total = 0;
    for (int64_t i = at; i < at + n; ++i) {
      const auto k = static_cast<size_t>(i);
      total += log ? static_cast<long double>(dy[k]) : static_cast<long double>(dy[k]) * y[k];
    }
    for (int64_t i = at; i < at + n; ++i) {
      const auto k = static_cast<size_t>(i);
      dx.push_back(static_cast<double>(
          log ? dy[k] - std::exp(static_cast<long double>(y[k])) * total : y[k] * (dy[k] - total)));
    }
  }
  return dx;
}

}  // namespace

TEST_CASE_TEMPLATE("masked softmax is softmax of scores set to -inf, bit by bit", T, float,
                   double) {
  for_each_isa([] {
    for (const int64_t n : kWidths) {
      for (const int64_t stride : {n, int64_t{0}}) {
        const Allowed allowed(kRows, n);
        std::vector<T> x = numbers<T>(kRows * n, 1), hidden = x, y(x.size()), expected(x.size());
        for (int64_t row = 0; row < kRows; ++row) {
          for (int64_t i = 0; i < n; ++i) {
            const auto at = static_cast<size_t>(row * n + i);
            if (allowed.flags[static_cast<size_t>(row * stride + i)]) continue;
            hidden[at] = -kInf<T>;
            x[at] = kNan<T>;  // must not be looked at
          }
        }
        softmax<T>({kRows, n, true}, hidden.data(), expected.data());
        masked_softmax<T>({kRows, n}, x.data(), allowed.data(), stride, y.data());
        REQUIRE(y == expected);
      }
    }
  });
}

TEST_CASE_TEMPLATE("log_softmax agrees with the formula", T, float, double) {
  for_each_isa([] {
    for (const int64_t n : kWidths) {
      const std::vector<T> x = numbers<T>(kRows * n, 2);
      std::vector<T> y(x.size());
      log_softmax<T>({kRows, n}, x.data(), y.data());
      for (int64_t at = 0; at < kRows * n; at += n) {
        long double total = 0;
        for (int64_t i = at; i < at + n; ++i) {
          total += std::exp(static_cast<long double>(x[static_cast<size_t>(i)]));
        }
        for (int64_t i = at; i < at + n; ++i) {
          const long double truth = x[static_cast<size_t>(i)] - std::log(total);
          const auto error = static_cast<double>(std::fabs(y[static_cast<size_t>(i)] - truth));
          REQUIRE(error <= 40 * std::numeric_limits<T>::epsilon());
        }
      }
    }
  });
}

TEST_CASE_TEMPLATE("log_softmax of far scores is finite, and of bad rows NaN", T, float, double) {
  for_each_isa([] {
    const std::vector<T> x = {0, 1000, 1, kNan<T>, kInf<T>, 1, -kInf<T>, -kInf<T>, 5, -kInf<T>};
    std::vector<T> y(x.size());
    log_softmax<T>({5, 2}, x.data(), y.data());
    CHECK(y[0] == -1000);
    CHECK(y[1] == 0);
    for (size_t i = 2; i < 8; ++i) CHECK(std::isnan(y[i]));
    CHECK(y[8] == 0);
    CHECK(y[9] == -kInf<T>);
  });
}

TEST_CASE_TEMPLATE("the slopes agree with their formulas, also in place", T, float, double) {
  const double tolerance = 20 * static_cast<double>(std::numeric_limits<T>::epsilon());
  for_each_isa([&] {
    for (const int64_t n : kWidths) {
      const std::vector<T> x = numbers<T>(kRows * n, 3), dy = numbers<T>(kRows * n, 4);
      std::vector<T> y(x.size()), dx(x.size());
      for (const bool log : {false, true}) {
        const auto backward = log ? log_softmax_backward<T> : softmax_backward<T>;
        (log ? log_softmax<T> : softmax<T>)({kRows, n}, x.data(), y.data());
        backward({kRows, n}, dy.data(), y.data(), dx.data());
        std::vector<double> all = as_doubles(dy), truth = all;  // dy gives the numbers a scale
        const std::vector<double> got = as_doubles(dx), want = slope(dy, y, n, log);
        all.insert(all.end(), got.begin(), got.end());
        truth.insert(truth.end(), want.begin(), want.end());
        REQUIRE(relative_error(all, truth) <= tolerance);
        std::vector<T> in_place = dy;
        backward({kRows, n}, in_place.data(), y.data(), in_place.data());
        REQUIRE(in_place == dx);
      }
    }
  });
}

TEST_CASE_TEMPLATE("NaN in a gradient stays in its row", T, float, double) {
  for_each_isa([] {
    std::vector<T> dy(57, T(1)), y(57, T(0.125)), dx(57);
    dy[20] = kNan<T>;
    for (const auto backward : {softmax_backward<T>, log_softmax_backward<T>}) {
      backward({3, 19}, dy.data(), y.data(), dx.data());
      for (size_t i = 0; i < dx.size(); ++i) REQUIRE(std::isnan(dx[i]) == (i / 19 == 1));
    }
  });
}

TEST_CASE_TEMPLATE("the relatives stay inside their rows", T, float, double) {
  for_each_isa([] {
    for (const int64_t behind : kBehind) {
      for (const int64_t n : kWidths) {
        const Allowed allowed(kRows, n);
        const Window<T> x(numbers<T>(kRows * n, 6), behind), y(kRows * n, behind);
        const Window<T> dy(numbers<T>(kRows * n, 7), behind), dx(kRows * n, behind);
        const auto check = [&] {
          for (const Window<T>* window : {&x, &y, &dy, &dx}) {
            REQUIRE(window->intact());
            for (const T v : window->values()) REQUIRE(!std::isnan(v));
          }
        };
        log_softmax<T>({kRows, n}, x.data(), y.data());
        log_softmax_backward<T>({kRows, n}, dy.data(), y.data(), dx.data());
        check();
        masked_softmax<T>({kRows, n}, x.data(), allowed.data(), n, y.data());
        softmax_backward<T>({kRows, n}, dy.data(), y.data(), dx.data());
        check();
      }
    }
  });
}

TEST_CASE("the mask is not read beyond its end") {
  for_each_isa([] {
    for (const int64_t n : {1, 5, 8, 16, 20, 33}) {
      const std::vector<float> x = numbers<float>(17 * n, 8);
      const Window<unsigned char> allowed(
          std::vector<unsigned char>(static_cast<size_t>(17 * n), 1));
      std::vector<float> y(x.size()), expected(x.size());
      masked_softmax<float>({17, n}, x.data(), reinterpret_cast<const bool*>(allowed.data()), n,
                            y.data());
      softmax<float>({17, n}, x.data(), expected.data());
      REQUIRE(y == expected);
    }
  });
}

TEST_CASE_TEMPLATE("the relatives of nothing are nothing", T, float, double) {
  for (const RowsShape shape : {RowsShape{0, 7}, RowsShape{7, 0}}) {
    CHECK_NOTHROW(masked_softmax<T>(shape, nullptr, nullptr, shape.n, nullptr));
    CHECK_NOTHROW(log_softmax<T>(shape, nullptr, nullptr));
    CHECK_NOTHROW(softmax_backward<T>(shape, nullptr, nullptr, nullptr));
    CHECK_NOTHROW(log_softmax_backward<T>(shape, nullptr, nullptr, nullptr));
  }
}
