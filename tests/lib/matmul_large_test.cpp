// Matrix products large enough for packing, cache blocks and threads, with a bias, and in batches:
// bit by bit what the definition gives. The small sizes are in matmul_test.cpp.
#include <doctest/doctest.h>

#include <vector>

#include "lib/parallel.h"
#include "lib/random.h"
#include "tests/determinism/settings.h"
#include "tests/lib/matmul_problem.h"
#include "tests/lib/window.h"

using namespace qkv::lib;
using namespace qkv::tests;

namespace {

struct Large {
  ProductShape shape;
  std::vector<Layout> a, b;  // pairs, in order
};

// Sizes that pack strips of B on the way (from 100 KB on) or panels of it beforehand (from 2.5 MB
// on), with k-panels (of 512 floats at most), blocks of columns and tiles of A (copied by 32 if
// transposed) that do not come out even. The last two take long: not in the short form.
std::vector<Large> large_products() {
  using enum Layout;
  std::vector<Large> all{{{131, 150, 400}, {padded, tight}, {stretched, tight}},
                         {{29, 97, 801, true}, {transposed, tight}, {backwards, transposed}},
                         {{15, 2000, 17}, {tight, backwards}, {tight, padded}},
                         {{230, 5, 2750, true}, {transposed, padded}, {tight, transposed}},
                         {{480, 140, 930}, {transposed}, {tight}},
                         {{230, 800, 450, true}, {tight}, {backwards}}};
  if (short_form()) all.resize(all.size() - 2);
  return all;
}

}  // namespace

TEST_CASE_TEMPLATE("large products have the bits of the definition in every layout", T, float,
                   double) {
  Generator generator(1);
  const auto normal = [&] { return generator.normal(); };
  for (const Large& large : large_products()) {
    for (size_t i = 0; i < large.a.size(); ++i) {
      const Problem<T> p = problem<T>(large.shape, large.a[i], large.b[i], normal);
      const std::vector<T> expected = run(p, matmul_loop_order<T>);
      INFO("M, N, K = ", large.shape.M, ", ", large.shape.N, ", ", large.shape.K, "; ", i);
      for_each_isa([&] {
        REQUIRE(same_bits(run(p, matmul_blocked<T>), expected));
        REQUIRE(same_bits(run(p, matmul_simd<T>), expected));
        REQUIRE(same_bits(run(p, matmul_top<T>), expected));
      });
    }
  }
}

TEST_CASE("a large product neither reads nor writes outside its matrices") {
  for (const auto& [M, N, K, accumulate] : {ProductShape{150, 161, 131}, {231, 7, 2750}}) {
    const Window<float> A(std::vector<float>(static_cast<size_t>(M * K), 2)),
        B(std::vector<float>(static_cast<size_t>(K * N), 3));
    const std::vector<float> expected(static_cast<size_t>(M * N), static_cast<float>(6 * K));
    for_each_isa([&, M = M, N = N, K = K] {
      const Window<float> straight(M * N), turned(M * N);
      matmul<float>({M, N, K}, {A.data(), K, 1}, {B.data(), N, 1}, {straight.data(), N, 1});
      matmul<float>({M, N, K}, {A.data(), 1, M}, {B.data(), 1, K}, {turned.data(), N, 1});
      REQUIRE(straight.values() == expected);
      REQUIRE(turned.values() == expected);
      REQUIRE(straight.intact());
      REQUIRE(turned.intact());
    });
  }
}

TEST_CASE_TEMPLATE("a bias is what every sum of its column begins with", T, float, double) {
  Generator generator(5);
  const auto normal = [&] { return generator.normal(); };
  for_each_isa([&] {
    for (const ProductShape shape :
         {ProductShape{5, 17, 3}, {2, 3, 0}, {100, 130, 500}, {230, 9, 2750}}) {
      Problem<T> p = problem<T>(shape, Layout::tight, Layout::transposed, normal);
      std::vector<T> bias(static_cast<size_t>(shape.N));
      for (T& b : bias) b = static_cast<T>(normal());
      std::vector<T> C = p.C.memory;
      matmul<T>(shape, p.A.matrix(), p.B.matrix(), {C.data() + p.C.first, p.C.row_stride, 1},
                bias.data());
      for (int64_t i = 0; i < shape.M; ++i) {
        for (int64_t j = 0; j < shape.N; ++j) p.C.at(i, j) = bias[static_cast<size_t>(j)];
      }
      p.shape.accumulate = true;
      REQUIRE(same_bits(C, run(p, matmul_definition<T>)));
    }
  });
}

TEST_CASE_TEMPLATE("a batch has the bits of its products one by one", T, float, double) {
  // 3 x 2 products; B is the same along the second axis. Threads take small products whole, and
  // share each of the large ones.
  Generator generator(6);
  const RestoreSettings restore;
  set_num_threads(3);
  for (const auto& [M, N, K, unused] : {ProductShape{20, 33, 40}, {230, 3, 2760}}) {
    const BatchAxis axes[] = {{3, 2 * M * K, K * N, 2 * M * N}, {2, M * K, 0, M * N}};
    const auto random = [&](int64_t count) {
      std::vector<T> values(static_cast<size_t>(count));
      for (T& value : values) value = static_cast<T>(generator.normal());
      return values;
    };
    const std::vector<T> A = random(6 * M * K), B = random(3 * K * N), bias = random(N);
    for_each_isa([&, M = M, N = N, K = K] {
      for (const bool accumulate : {false, true}) {
        std::vector<T> C(static_cast<size_t>(6 * M * N), T(3)), one_by_one = C;
        const ProductShape shape{M, N, K, accumulate};
        const T* const start = accumulate ? nullptr : bias.data();
        matmul_batch<T>(axes, shape, {A.data(), K, 1}, {B.data(), 1, K}, {C.data(), N, 1}, start);
        for (int64_t i = 0; i < 6; ++i) {
          matmul<T>(shape, {A.data() + i * M * K, K, 1}, {B.data() + i / 2 * K * N, 1, K},
                    {one_by_one.data() + i * M * N, N, 1}, start);
        }
        REQUIRE(same_bits(C, one_by_one));
      }
    });
  }
}

TEST_CASE("a product has the same bits for every number of threads") {
  Generator generator(7);
  const auto normal = [&] { return generator.normal(); };
  const RestoreSettings restore;
  for (const ProductShape shape : {ProductShape{300, 310, 120},
                                   {2050, 40, 70},
                                   {40, 2050, 70},
                                   {450, 5, 1400},
                                   {450, 60, 1200}}) {
    if (short_form() && shape.M * shape.N * shape.K > 20'000'000) continue;
    for (const Layout layout : {Layout::tight, Layout::transposed}) {
      const Problem<float> p = problem<float>(shape, layout, Layout::tight, normal);
      const std::vector<float> expected = run(p, matmul_loop_order<float>);
      for (const int n : {1, 2, 3, 8}) {
        set_num_threads(n);
        REQUIRE(same_bits(run(p, matmul_top<float>), expected));
      }
    }
  }
}
