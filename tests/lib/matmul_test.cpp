// Matrix product: every rung against the exact result on integers, against the error bound of an
// FMA chain on random numbers, and against the definition bit by bit. Every instruction set.
#include "lib/matmul.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "lib/random.h"
#include "tests/determinism/settings.h"
#include "tests/lib/matmul_problem.h"
#include "tests/lib/window.h"

using namespace qkv::lib;
using namespace qkv::tests;

namespace {

// Is every element within `units` rounding errors, gamma_k |A||B|, of the product formed in long
// double? gamma_k = k u / (1 - k u) bounds k roundings in a row. With units = 0: equal exactly.
template <class T>
bool product_is_right(Problem<T>& p, const std::vector<T>& memory, long double units) {
  const auto [M, N, K, accumulate] = p.shape;
  const long double u = std::numeric_limits<T>::epsilon() / 2;
  const long double k_u = static_cast<long double>(K) * u, gamma = units * k_u / (1 - k_u);
  for (int64_t i = 0; i < M; ++i) {
    for (int64_t j = 0; j < N; ++j) {
      long double truth = accumulate ? p.C.at(i, j) : 0, size = std::fabs(truth);
      for (int64_t k = 0; k < K; ++k) {
        const long double term = static_cast<long double>(p.A.at(i, k)) * p.B.at(k, j);
        truth += term, size += std::fabs(term);
      }
      const T c = memory[static_cast<size_t>(p.C.first + i * p.C.row_stride + j)];
      if (!(std::fabs(c - truth) <= gamma * size)) return false;
    }
  }
  return true;
}

// All small sizes around the register tiles, then some longer ones.
std::vector<ProductShape> awkward_sizes() {
  std::vector<ProductShape> sizes;
  for (const int64_t M : {0, 1, 3, 4, 5, 6, 7, 8, 11, 12, 13}) {
    for (const int64_t N : {0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33}) {
      for (const int64_t K : {0, 1, 2, 5}) sizes.push_back({M, N, K});
    }
  }
  for (const ProductShape& s : {ProductShape{47, 19, 255},
                                {48, 32, 256},
                                {49, 33, 257},
                                {5, 1023, 3},
                                {6, 1024, 2},
                                {2, 1025, 300},
                                {97, 101, 103},
                                {1, 37, 1031},
                                {53, 1, 769},
                                {109, 1, 1},
                                {3, 2053, 2}}) {
    sizes.push_back(s);
  }
  return sizes;
}

// check(problem) for all sizes, with and without accumulation, the layouts of A and B varying.
template <class T, class Draw, class Check>
void for_each_problem(const Draw& draw, const Check& check) {
  size_t turn = 0;
  for (ProductShape shape : awkward_sizes()) {
    for (const bool accumulate : {false, true}) {
      shape.accumulate = accumulate;
      Problem<T> p = problem<T>(shape, kLayouts[turn % 5], kLayouts[turn / 5 % 5], draw);
      turn += 1;
      INFO("M, N, K = ", shape.M, ", ", shape.N, ", ", shape.K, ", accumulate ", accumulate);
      check(p);
    }
  }
}

}  // namespace

TEST_CASE_TEMPLATE("matmul of integers is exact at every size, stride and rung", T, float, double) {
  Generator generator(1);
  const auto small_integer = [&] { return generator.integer(-8, 9); };
  for_each_isa([&] {
    for_each_problem<T>(small_integer, [&](Problem<T>& p) {
      for (const Rung<T> rung : kRungs<T>) REQUIRE(product_is_right(p, run(p, rung), 0));
    });
  });
}

TEST_CASE_TEMPLATE("matmul keeps to the error bound of K roundings in a row", T, float, double) {
  Generator generator(2);
  const auto normal = [&] { return generator.normal(); };
  for_each_isa([&] {
    for_each_problem<T>(normal, [&](Problem<T>& p) {
      REQUIRE(product_is_right(p, run(p, matmul_top<T>), 1));  // the lower rungs have the same bits
    });
  });
}

TEST_CASE_TEMPLATE("matmul has the same bits on every rung and leaves the gaps of C alone", T,
                   float, double) {
  Generator generator(3);
  const auto normal = [&] { return generator.normal(); };
  for_each_isa([&] {
    for_each_problem<T>(normal, [&](Problem<T>& p) {
      const std::vector<T> expected =
          run(p, matmul_definition<T>);  // gaps hold NaN before and after
      for (const Rung<T> rung : kRungs<T>) REQUIRE(same_bits(run(p, rung), expected));
    });
  });
}

TEST_CASE_TEMPLATE("matmul takes every pair of layouts", T, float, double) {
  Generator generator(4);
  const auto small_integer = [&] { return generator.integer(-8, 9); };
  for_each_isa([&] {
    for (const Layout a : kLayouts) {
      for (const Layout b : kLayouts) {
        for (const ProductShape shape : {ProductShape{13, 33, 7}, {50, 35, 259}}) {
          Problem<T> p = problem<T>(shape, a, b, small_integer);
          REQUIRE(product_is_right(p, run(p, matmul_top<T>), 0));
        }
      }
    }
  });
}

TEST_CASE_TEMPLATE("an operand may repeat one row or one column with stride 0", T, float, double) {
  const std::vector<T> row = {1, 2, 3, 4, 5};
  for_each_isa([&] {
    for (const Rung<T> rung : kRungs<T>) {
      std::vector<T> c(7 * 9, T(-1));
      rung({7, 9, 5}, {row.data(), 0, 1}, {row.data(), 1, 0}, {c.data(), 9, 1});
      CHECK(c == std::vector<T>(c.size(), T(55)));
    }
  });
}

TEST_CASE_TEMPLATE("an empty sum over k is zero, or what C held", T, float, double) {
  for_each_isa([&] {
    for (const Rung<T> rung : kRungs<T>) {
      std::vector<T> c(6, T(7));
      rung({2, 3, 0, true}, {nullptr, 0, 1}, {nullptr, 3, 1}, {c.data(), 3, 1});
      CHECK(c == std::vector<T>(6, T(7)));
      rung({2, 3, 0, false}, {nullptr, 0, 1}, {nullptr, 3, 1}, {c.data(), 3, 1});
      CHECK(c == std::vector<T>(6, T(0)));
    }
  });
}

TEST_CASE_TEMPLATE("matmul neither reads nor writes outside its matrices", T, float, double) {
  for_each_isa([&] {
    for (const int64_t behind : kBehind) {
      for (const ProductShape shape : {ProductShape{1, 1, 1},
                                       {5, 17, 3},
                                       {13, 33, 7},
                                       {7, 15, 1},
                                       {12, 32, 4},
                                       {49, 31, 257},
                                       {4, 1025, 2}}) {
        const auto [M, N, K, accumulate] = shape;
        const Window<T> A(std::vector<T>(static_cast<size_t>(M * K), T(2)), behind);
        const Window<T> B(std::vector<T>(static_cast<size_t>(K * N), T(3)), behind);
        const std::vector<T> expected(static_cast<size_t>(M * N), static_cast<T>(6 * K));
        for (const Rung<T> rung : kRungs<T>) {
          const Window<T> straight(M * N, behind), turned(M * N, behind);
          rung(shape, {A.data(), K, 1}, {B.data(), N, 1}, {straight.data(), N, 1});
          rung(shape, {A.data(), 1, M}, {B.data(), 1, K}, {turned.data(), N, 1});
          REQUIRE(straight.values() == expected);
          REQUIRE(turned.values() == expected);
          REQUIRE(straight.intact());
          REQUIRE(turned.intact());
        }
        REQUIRE(A.intact());
        REQUIRE(B.intact());
      }
    }
  });
}

// A is ones, but row 2 holds NaN or infinity. B is zeros, but column 1 is 1, -1, 0, 0, 0.
TEST_CASE_TEMPLATE("NaN and infinity go where the formula sends them", T, float, double) {
  constexpr T kNan = std::numeric_limits<T>::quiet_NaN(), kInf = std::numeric_limits<T>::infinity();
  constexpr int64_t M = 13, N = 33, K = 5;
  for_each_isa([&] {
    for (const Rung<T> rung : kRungs<T>) {
      std::vector<T> A(M * K, T(1)), B(K * N, T(0)), C(M * N);
      for (int64_t k = 0; k < K; ++k)
        B[static_cast<size_t>(k * N + 1)] = k < 2 ? T(1 - 2 * k) : T(0);
      const auto c = [&](int64_t i, int64_t j) { return C[static_cast<size_t>(i * N + j)]; };
      const auto multiply = [&](T first, T second) {
        A[2 * K] = first, A[2 * K + 1] = second;
        rung({M, N, K}, {A.data(), K, 1}, {B.data(), N, 1}, {C.data(), N, 1});
        for (int64_t j = 0; j < N; ++j) {
          REQUIRE(c(1, j) == 0);  // the rows beside it know nothing
          REQUIRE(c(3, j) == 0);
          if (j != 1) REQUIRE(std::isnan(c(2, j)));  // 0 * NaN and 0 * infinity
        }
      };
      multiply(kNan, 1);
      CHECK(std::isnan(c(2, 1)));
      multiply(kInf, kInf);
      CHECK(std::isnan(c(2, 1)));  // infinity - infinity
      multiply(kInf, 1);
      CHECK(c(2, 1) == kInf);
      multiply(1, kInf);
      CHECK(c(2, 1) == -kInf);
    }
  });
}

TEST_CASE("each term is added with a single rounding") {
  // (1 + e)(1 - e) - 1 = -e², which a product rounded by itself would lose.
  const float e = std::ldexp(1.0f, -13);
  const std::vector<float> A = {1 + e}, B = {1 - e};
  for_each_isa([&] {
    for (const Rung<float> rung : kRungs<float>) {
      std::vector<float> C = {-1};
      rung({1, 1, 1, true}, {A.data(), 1, 1}, {B.data(), 1, 1}, {C.data(), 1, 1});
      CHECK(C[0] == -e * e);
    }
  });
}
