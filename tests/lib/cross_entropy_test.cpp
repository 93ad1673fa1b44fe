// Cross entropy: the formula and its slope in long double, rows that do not count, NaN, far scores,
// and memory that ends with the last row. Every instruction set.
#include "lib/cross_entropy.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "lib/random.h"
#include "tests/compare.h"
#include "tests/determinism/settings.h"
#include "tests/lib/window.h"

using namespace qkv::lib;
using namespace qkv::tests;

namespace {

constexpr int64_t kWidths[] = {1, 2, 7, 8, 9, 15, 16, 17, 33, 64, 101, 1009};
constexpr int64_t kRows = 19;

template <class T>
std::vector<T> scores(int64_t count) {
  Generator generator(1);
  std::vector<T> x(static_cast<size_t>(count));
  for (T& v : x) v = static_cast<T>(2 * generator.normal());
  return x;
}

// Row 4 does not count.
std::vector<int64_t> targets(int64_t n) {
  Generator generator(2);
  std::vector<int64_t> ids(static_cast<size_t>(kRows));
  for (int64_t& id : ids) id = generator.integer(0, n);
  ids[4] = -1;
  return ids;
}

// The loss of each row, and then its gradient for weight 3.
template <class T>
std::vector<double> truth(int64_t n, double s, const std::vector<T>& x,
                          const std::vector<int64_t>& ids) {
  std::vector<double> losses = {1}, slopes;  // the 1 gives one class, which has no loss, a scale
  for (size_t row = 0; row < ids.size(); ++row) {
    const T* const scores = x.data() + row * static_cast<size_t>(n);
    long double total = 0, loss = 0;
    for (int64_t i = 0; i < n; ++i) total += std::exp(static_cast<long double>(scores[i]));
    for (int64_t i = 0; i < n; ++i) {
      const long double q = (ids[row] == i ? 1 - s : 0) + s / static_cast<double>(n);
      loss -= q * (scores[i] - std::log(total));
      const long double p = std::exp(static_cast<long double>(scores[i])) / total;
      slopes.push_back(ids[row] < 0 ? 0 : static_cast<double>(3 * (p - q)));
    }
    losses.push_back(ids[row] < 0 ? 0 : static_cast<double>(loss));
  }
  losses.insert(losses.end(), slopes.begin(), slopes.end());
  return losses;
}

}  // namespace

TEST_CASE_TEMPLATE("losses and slopes agree with the formula", T, float, double) {
  for_each_isa([] {
    for (const int64_t n : kWidths) {
      for (const double smoothing : {0.0, 0.125}) {
        const std::vector<T> x = scores<T>(kRows * n);
        const std::vector<int64_t> ids = targets(n);
        std::vector<T> loss(kRows), m(kRows), inverse(kRows), dx(x.size());
        const CrossEntropyShape shape{kRows, n, smoothing};
        cross_entropy(shape, x.data(), ids.data(), loss.data(), m.data(), inverse.data());
        cross_entropy_backward(shape, T(3), x.data(), ids.data(), m.data(), inverse.data(),
                               dx.data());
        std::vector<double> got = {1};
        got.insert(got.end(), loss.begin(), loss.end());
        got.insert(got.end(), dx.begin(), dx.end());
        REQUIRE(relative_error(got, truth(n, smoothing, x, ids)) <=
                20 * static_cast<double>(std::numeric_limits<T>::epsilon()));
      }
    }
  });
}

TEST_CASE("far scores give finite losses, and NaN stays in its row unless that does not count") {
  for_each_isa([] {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> x = {0, 1000, 1000, 0, nan, 1, nan, 1};
    const std::vector<int64_t> ids = {0, 0, 1, -1};
    std::vector<float> loss(4), m(4), inverse(4), dx(8);
    cross_entropy<float>({4, 2, 0}, x.data(), ids.data(), loss.data(), m.data(), inverse.data());
    cross_entropy_backward<float>({4, 2, 0}, 1, x.data(), ids.data(), m.data(), inverse.data(),
                                  dx.data());
    CHECK(loss[0] == 1000);
    CHECK(loss[1] == 0);
    CHECK(std::isnan(loss[2]));
    CHECK(loss[3] == 0);
    CHECK(std::vector<float>(dx.begin(), dx.begin() + 4) == std::vector<float>{-1, 1, 0, 0});
    CHECK(std::isnan(dx[4]));
    CHECK(std::isnan(dx[5]));
    CHECK(dx[6] == 0);
    CHECK(dx[7] == 0);
  });
}

TEST_CASE_TEMPLATE("cross entropy stays inside its arrays", T, float, double) {
  for_each_isa([] {
    for (const int64_t behind : kBehind) {
      for (const int64_t n : kWidths) {
        const Window<T> x(scores<T>(kRows * n), behind), dx(kRows * n, behind);
        const Window<T> loss(kRows, behind), m(kRows, behind), inverse(kRows, behind);
        const std::vector<int64_t> ids = targets(n);
        const CrossEntropyShape shape{kRows, n, 0.125};
        cross_entropy(shape, x.data(), ids.data(), loss.data(), m.data(), inverse.data());
        cross_entropy_backward(shape, T(1), x.data(), ids.data(), m.data(), inverse.data(),
                               dx.data());
        for (const Window<T>* window : {&x, &dx, &loss, &m, &inverse}) {
          REQUIRE(window->intact());
          for (const T v : window->values()) REQUIRE(std::isfinite(v));
        }
      }
    }
  });
}

TEST_CASE("no rows have no losses") {
  CHECK_NOTHROW(cross_entropy<float>({0, 3, 0}, nullptr, nullptr, nullptr, nullptr, nullptr));
  CHECK_NOTHROW(
      cross_entropy_backward<float>({0, 3, 0}, 1, nullptr, nullptr, nullptr, nullptr, nullptr));
}
