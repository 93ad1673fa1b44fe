// Running sums against the definition: exact integers to the bit, at awkward sizes and both ways.
#include "lib/causal_product.h"

#include <doctest/doctest.h>

#include <vector>

#include "lib/random.h"
#include "tensor/tensor.h"
#include "tests/compare.h"
#include "tests/determinism/digest.h"
#include "tests/determinism/settings.h"

using namespace qkv;
using lib::CausalProductShape;

namespace {

template <class T>
std::vector<T> numbers(int64_t count, uint64_t seed, bool whole) {
  lib::Generator generator(seed);
  std::vector<T> list;
  for (int64_t i = 0; i < count; ++i) {
    list.push_back(
        static_cast<T>(whole ? static_cast<double>(generator.integer(-4, 5)) : generator.normal()));
  }
  return list;
}

template <class T>
struct Case {
  Case(CausalProductShape s, bool whole)
      : shape(s),
        Q(numbers<T>(s.batches * s.queries * s.D, 1, whole)),
        K(numbers<T>(s.batches * s.keys * s.D, 2, whole)),
        V(numbers<T>(s.batches * s.keys * s.Dv, 3, whole)) {}

  template <class Product>
  std::vector<T> by(Product product) const {
    std::vector<T> Y(static_cast<size_t>(shape.batches * shape.queries * shape.Dv), T(99));
    product(shape, Q.data(), K.data(), V.data(), Y.data());
    return Y;
  }

  CausalProductShape shape;
  std::vector<T> Q, K, V;
};

template <class T>
void check_exact(CausalProductShape shape) {
  const Case<T> whole(shape, true);
  CAPTURE(shape.queries);
  CAPTURE(shape.keys);
  CAPTURE(shape.reverse);
  CHECK(whole.by(lib::causal_product<T>) == whole.by(lib::causal_product_definition<T>));
}

}  // namespace

TEST_CASE("running sums are the definition to the bit where sums are exact") {
  for (const bool reverse : {false, true}) {
    for (const auto& [queries, keys] : {std::pair<int64_t, int64_t>{1, 1},
                                        {7, 7},
                                        {3, 11},
                                        {11, 3},
                                        {1, 5},
                                        {5, 1},
                                        {0, 4},
                                        {4, 0}}) {
      for (const auto& [D, Dv] : {std::pair<int64_t, int64_t>{1, 1}, {5, 3}, {2, 17}, {0, 2}}) {
        const CausalProductShape shape = {
            .batches = 3, .queries = queries, .keys = keys, .D = D, .Dv = Dv, .reverse = reverse};
        check_exact<float>(shape);
        check_exact<double>(shape);
      }
    }
  }
}

TEST_CASE("running sums agree with the definition but for rounding") {
  const auto error = [&]<class T>(T, bool reverse) {
    const Case<T> c({2, 67, 71, 13, 9, reverse}, false);
    const auto sums = c.by(lib::causal_product<T>);
    const auto definition = c.by(lib::causal_product_definition<T>);
    return tests::relative_error(std::vector<double>(sums.begin(), sums.end()),
                                 std::vector<double>(definition.begin(), definition.end()));
  };
  for (const bool reverse : {false, true}) {
    CHECK(error(float(), reverse) <= 1e-6);
    CHECK(error(double(), reverse) <= 1e-15);
  }
}

TEST_CASE("running sums have the same bits under every setting and on every machine") {
  for (const bool reverse : {false, true}) {
    const CausalProductShape shape = {
        .batches = 20, .queries = 33, .keys = 35, .D = 7, .Dv = 19, .reverse = reverse};
    const auto bits = [&]<class T>(T) {
      const auto sums = Case<T>(shape, false).by(lib::causal_product<T>);
      return tests::digest({tensor::Tensor::of(sums, {static_cast<int64_t>(sums.size())})});
    };
    const uint64_t pinned = reverse ? 0x2d3244188e360e3e : 0xc6d82d1f010a6d1b;
    const uint64_t pinned_double = reverse ? 0xfe83cd9c4ff1d8a2 : 0xcef98dc377ef3c3d;
    tests::for_each_setting([&](const std::string& setting) {
      CAPTURE(setting);
      CHECK(bits(float()) == pinned);
      CHECK(bits(double()) == pinned_double);
    });
  }
}
