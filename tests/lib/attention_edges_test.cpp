// Attention at its edges: rows that attend to nobody, NaN and infinity, what padding hides, the
// ends of the operands in memory; and the same bits whatever computes them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "lib/attention.h"
#include "lib/memory.h"
#include "lib/scratch.h"
#include "tests/determinism/settings.h"
#include "tests/lib/attention_case.h"
#include "tests/lib/window.h"

using namespace qkv::lib;
using namespace qkv::tests;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <class T>
bool all_zero(const std::vector<T>& x) {
  return std::all_of(x.begin(), x.end(), [](T v) { return v == 0; });
}
template <class T>
bool all_finite(const std::vector<T>& x) {
  return std::all_of(x.begin(), x.end(), [](T v) { return std::isfinite(v); });
}
template <class T>
std::vector<T> row(const std::vector<T>& x, int64_t i, int64_t width) {
  return std::vector<T>(x.begin() + i * width, x.begin() + (i + 1) * width);
}
template <class T>
std::vector<bool> bad_places(const std::vector<T>& x) {
  std::vector<bool> places;
  for (const T v : x) places.push_back(!std::isfinite(v));
  return places;
}

// body(fused) for both rungs, under every instruction set.
template <class Body>
void for_each_rung(const Body& body) {
  for_each_isa([&] {
    for (const bool fused : {true, false}) body(fused);
  });
}

}  // namespace

TEST_CASE_TEMPLATE("a query that may attend to nobody gives zeros and takes no part", T, float,
                   double) {
  AttentionCase<T> c({1, 1, 70, 140, 3, 5}, MaskKind::cells);
  for (const int64_t hidden : {0, 33, 69}) {
    std::fill_n(c.flags.cells.begin() + hidden * 140, 140, static_cast<unsigned char>(false));
  }
  c.mask.allowed = c.flags.data();
  AttentionCase<T> other = c;
  other.mask.allowed = other.flags.data();
  other.Q[33 * 3] = 1e3, other.dO[33 * 5] = -1e3;
  for_each_rung([&](bool fused) {
    const auto r = c.run(fused), s = other.run(fused);
    for (const int64_t hidden : {0, 33, 69}) {
      CHECK(all_zero(row(r.O, hidden, 5)));
      CHECK(all_zero(row(r.dQ, hidden, 3)));
      CHECK(r.L[static_cast<size_t>(hidden)] == std::numeric_limits<T>::infinity());
    }
    CHECK((all_finite(r.dK) && all_finite(r.dV)));
    CHECK(r == s);
  });
}

TEST_CASE("with more queries than keys the first ones of a causal mask see nobody") {
  const AttentionCase<float> c({1, 1, 200, 50, 4, 4}, MaskKind::causal);
  for_each_rung([&](bool fused) {
    const auto r = c.run(fused);
    for (int64_t i = 0; i < 200; ++i) CHECK(all_zero(row(r.O, i, 4)) == (i < 150));
    CHECK(row(r.O, 150, 4) == std::vector<float>(c.V.begin(), c.V.begin() + 4));
  });
}

TEST_CASE("sizes of zero are no special case") {
  for_each_rung([](bool fused) {
    for (const AttentionShape& shape :
         {AttentionShape{2, 2, 5, 0, 3, 4}, AttentionShape{2, 2, 0, 5, 3, 4},
          AttentionShape{2, 2, 5, 5, 3, 0}, AttentionShape{0, 2, 5, 5, 3, 4},
          AttentionShape{2, 0, 5, 5, 3, 4}}) {
      const auto r = AttentionCase<float>(shape).run(fused);
      if (shape.keys == 0 || shape.value_width == 0) CHECK(all_zero(r.O));
      if (shape.keys == 0) CHECK(all_zero(r.dQ));
      if (shape.queries == 0) CHECK((all_zero(r.dK) && all_zero(r.dV)));
    }
    AttentionCase<double> mean({1, 1, 2, 4, 0, 1});  // D = 0: all scores are 0, all weights equal
    mean.V = {1, 2, 3, 6};
    CHECK(mean.run(fused).O == std::vector<double>{3, 3});
  });
}

// Not finite is what is compared: with infinite dO the definition adds dP of both signs, which is
// NaN, where the fused kernel has the infinity that dO times O is.
TEST_CASE_TEMPLATE("NaN and infinity go where the definition sends them", T, float, double) {
  for (const double bad : {kNan, kInfinity, -kInfinity}) {
    for (int where = 0; where < 4; ++where) {
      AttentionCase<T> c({1, 1, 20, 150, 3, 4});
      std::vector<double>* const operands[] = {&c.Q, &c.K, &c.V, &c.dO};
      (*operands[where])[7] = bad;
      const auto expected = c.run(false);
      for_each_isa([&] {
        const auto actual = c.run();
        INFO("operand ", where, ", number ", bad);
        CHECK(bad_places(actual.O) == bad_places(expected.O));
        CHECK(bad_places(actual.L) == bad_places(expected.L));
        CHECK(bad_places(actual.dQ) == bad_places(expected.dQ));
        CHECK(bad_places(actual.dK) == bad_places(expected.dK));
        CHECK(bad_places(actual.dV) == bad_places(expected.dV));
      });
    }
  }
}

TEST_CASE("what lies behind the length of a batch is not looked at") {
  const AttentionShape shape = {2, 1, 40, 150, 3, 4};
  const AttentionCase<float> c(shape, MaskKind::none);
  AttentionCase<float> padded = c;
  padded.lengths = {9, 131};
  padded.mask.key_lengths = padded.lengths.data();
  AttentionCase<float> dirty = padded;
  dirty.mask.key_lengths = dirty.lengths.data();
  for (size_t b = 0; b < 2; ++b) {
    const auto length = static_cast<size_t>(padded.lengths[b]);
    for (size_t j = length; j < 150; ++j) {
      dirty.K[(b * 150 + j) * 3] = kNan, dirty.V[(b * 150 + j) * 4] = kNan;
    }
  }
  for_each_isa([&] {
    const auto clean = padded.run();
    CHECK(clean == dirty.run());
    CHECK(all_zero(row(clean.dK, 9, 3)));
    CHECK(!all_zero(row(clean.dK, 8, 3)));
    CHECK(!(clean == c.run()));
  });
}

TEST_CASE("a causal query does not see what comes later to the bit") {
  AttentionCase<float> c({1, 1, 200, 200, 8, 8}, MaskKind::causal), changed = c;
  for (size_t i = 100 * 8; i < 200 * 8; ++i) changed.K[i] = 30, changed.V[i] = -30;
  for_each_isa([&] {
    const auto r = c.run(), s = changed.run();
    CHECK(std::equal(r.O.begin(), r.O.begin() + 100 * 8, s.O.begin()));
    CHECK(!std::equal(r.O.begin() + 100 * 8, r.O.end(), s.O.begin() + 100 * 8));
  });
}

TEST_CASE_TEMPLATE("nothing around the operands is read or written", T, float, double) {
  for (const AttentionShape& shape :
       {AttentionShape{1, 2, 19, 21, 5, 7}, AttentionShape{1, 1, 70, 133, 17, 3},
        AttentionShape{1, 1, 1, 1, 1, 1}, AttentionShape{1, 1, 64, 128, 16, 16}}) {
    for (const Layout layout : {Layout::heads_apart, Layout::projection}) {
      const AttentionCase<T> c(shape, MaskKind::causal, layout);
      for_each_isa([&] {
        const auto expected = c.run();
        for (const int64_t behind : kBehind) {
          std::vector<std::shared_ptr<Window<T>>> windows;
          const auto actual = c.run_in(
              [&](int64_t n) {
                return windows.emplace_back(std::make_shared<Window<T>>(n, behind));
              },
              true);
          CHECK(actual == expected);
          for (const auto& window : windows) CHECK(window->intact());
        }
      });
    }
  }
}

TEST_CASE_TEMPLATE("attention has the same bits for every instruction set and thread count", T,
                   float, double) {
  // The second has fewer heads than threads: its backward is split within heads.
  for (const AttentionShape& shape :
       {AttentionShape{3, 2, 20, 21, 16, 8}, AttentionShape{1, 1, 560, 600, 33, 16},
        AttentionShape{1, 3, 530, 530, 8, 8}}) {
    for (const MaskKind kind : {MaskKind::none, MaskKind::all}) {
      if (short_form() && kind == MaskKind::none) continue;
      const AttentionCase<T> c(shape, kind, Layout::projection);
      AttentionResultsOf<T> first;
      for_each_setting([&](const std::string& setting) {
        const auto r = c.run();
        if (first.O.empty()) first = r;
        INFO(setting);
        CHECK(r == first);
      });
    }
  }
}

TEST_CASE("the memory of attention grows with T and not with its square") {
  const auto peak = [](int64_t T) {
    const AttentionCase<float> c({1, 1, T, T, 8, 8});
    release_cached_memory();
    const int64_t before = memory_stats().live_bytes;
    reset_peak_memory();
    (void)c.run();  // operands and results are outside of lib's memory
    return memory_stats().peak_bytes - before;
  };
  const RestoreSettings restore;
  set_num_threads(1);
  const int64_t T = short_form() ? 1024 : 2048, small = peak(768), large = peak(T);
  CHECK(small > 0);
  CHECK(large == small);         // tiles only
  CHECK(large < T * T * 4 / 8);  // far below the weights
}
