// Matrix products: every rung, square sizes in four layouts and precisions, and the batches of
// small products that attention makes.
#include "lib/matmul.h"

#include <memory>

#include "lib/cpu.h"
#include "lib/text.h"
#include "tests/bench/suite.h"

namespace qkv::bench {
namespace {

template <class T>
using Matmul = void (*)(lib::ProductShape, lib::Matrix<const T>, lib::Matrix<const T>,
                        lib::Matrix<T>);

// The matrices of product 0: transposed operands are the same memory with other strides.
template <class T>
struct Operands {
  explicit Operands(const Product<T>& p)
      : shape{.M = p.M, .N = p.N, .K = p.K},
        A{p.A, p.transposed_a ? 1 : p.K, p.transposed_a ? p.M : 1},
        B{p.B, p.transposed_b ? 1 : p.N, p.transposed_b ? p.K : 1},
        C{p.C, p.N, 1} {}
  lib::ProductShape shape;
  lib::Matrix<const T> A, B;
  lib::Matrix<T> C;
};

// One product by one of our rungs; nullptr stands for the top one, which also takes batches.
template <class T>
Call ours(Matmul<T> rung, const Product<T>& p) {
  if (rung != nullptr) return [=, o = Operands<T>(p)] { rung(o.shape, o.A, o.B, o.C); };
  return [=, o = Operands<T>(p)] {
    const lib::BatchAxis axis{p.batch, p.M * p.K, p.K * p.N, p.M * p.N};
    if (p.batch == 1) return lib::matmul<T>(o.shape, o.A, o.B, o.C);
    lib::matmul_batch<T>({&axis, 1}, o.shape, o.A, o.B, o.C);
  };
}

// Measures the product `p`, whose matrices are made here. With peers, or only ours.
template <class T>
Row measure_product(const std::string& name, Matmul<T> matmul, Product<T> p, bool with_peers) {
  const std::vector<T> A = random_numbers<T>(p.batch * p.M * p.K, 1);
  const std::vector<T> B = random_numbers<T>(p.batch * p.K * p.N, 2);
  std::vector<T> C(static_cast<size_t>(p.batch * p.M * p.N));
  p.A = A.data(), p.B = B.data(), p.C = C.data();
  const double gflop = 2e-9 * static_cast<double>(p.batch * p.M * p.N * p.K);
  Case work{.unit = "GFLOP/s",
            .work = gflop,
            .peak = fma_peak<T>(gflop),
            .outputs = {std::span<T>(C)},
            .tolerance = sizeof(T) == 4 ? 1e-4 : 1e-12,
            .contenders = {contender("qkv", ours(matmul, p))}};
  if (with_peers) {
    for (const auto& peer : peers()) {
      if (Call call = peer->matmul(p)) work.contenders.push_back(contender(peer->name(), call));
    }
  }
  return measure(name, work);
}

template <class T>
void add_square(const std::string& layout, int64_t n, bool transposed_a, bool transposed_b) {
  add(lib::str("matmul/", n, "/", layout), [=](const std::string& name) {
    return measure_product<T>(name, nullptr,
                              {.batch = 1,
                               .M = n,
                               .N = n,
                               .K = n,
                               .transposed_a = transposed_a,
                               .transposed_b = transposed_b},
                              true);
  });
}

void add_rung(const std::string& rung, Matmul<float> matmul, int64_t largest) {
  for (const int64_t n : {16, 64, 256, 1024}) {
    if (n > largest) continue;
    add(lib::str("matmul_rung/", n, "/", rung), [=](const std::string& name) {
      return measure_product<float>(name, matmul, {.batch = 1, .M = n, .N = n, .K = n}, false);
    });
  }
}

void add_avx2(int64_t n) {
  add(lib::str("matmul/", n, "/avx2"), [=](const std::string& name) {
    const lib::Isa best = lib::active_isa();
    lib::set_active_isa(lib::Isa::avx2);
    Row row = measure_product<float>(name, nullptr, {.batch = 1, .M = n, .N = n, .K = n}, false);
    lib::set_active_isa(best);
    return row;
  });
}

// The two products of attention for 64 heads: scores Q Kᵀ, (T, D) x (D, T), and weights times
// values, (T, T) x (T, D).
void add_attention_shapes() {
  for (const int64_t T : {16, 20, 64, 128}) {
    for (const int64_t D : {8, 16, 32, 64}) {
      add(lib::str("batched/T", T, "_D", D, "/QKt"), [=](const std::string& name) {
        return measure_product<float>(
            name, nullptr, {.batch = 64, .M = T, .N = T, .K = D, .transposed_b = true}, true);
      });
      add(lib::str("batched/T", T, "_D", D, "/PV"), [=](const std::string& name) {
        return measure_product<float>(name, nullptr, {.batch = 64, .M = T, .N = D, .K = T}, true);
      });
    }
  }
}

void add_two_threads(int64_t n) {
  add(lib::str("two_threads/matmul/", n), [n](const std::string& name) {
    const std::vector<float> A = random_numbers(n * n, 1), B = random_numbers(n * n, 2);
    std::vector<float> C(A.size());
    const double gflop = 2e-9 * static_cast<double>(n * n * n);
    const Product<float> p{
        .batch = 1, .M = n, .N = n, .K = n, .A = A.data(), .B = B.data(), .C = C.data()};
    return measure_two_threads(name, "GFLOP/s", gflop, gflop, {std::span(C)},
                               ours<float>(nullptr, p));
  });
}

}  // namespace

void add_matmul() {
  add_rung("definition", lib::matmul_definition<float>, 256);
  add_rung("loop_order", lib::matmul_loop_order<float>, 256);
  add_rung("register_tile", lib::matmul_register_tile<float>, 256);
  add_rung("blocked", lib::matmul_blocked<float>, 256);
  add_rung("simd", lib::matmul_simd<float>, 1024);
  for (const int64_t n : {16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048}) {
    add_square<float>("AB", n, false, false);
    add_square<float>("ABt", n, false, true);
    add_square<float>("AtB", n, true, false);
    if (n < 128) continue;
    add_square<double>("float64", n, false, false);
    if (lib::active_isa() == lib::Isa::avx512) add_avx2(n);
  }
  add_attention_shapes();
  for (const int64_t n : {256, 512, 1024}) add_two_threads(n);
}

}  // namespace qkv::bench
