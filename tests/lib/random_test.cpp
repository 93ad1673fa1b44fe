// Philox against the vectors of its authors, the addressing, the distributions, and pinned values.
#include "lib/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

using namespace qkv::lib;
using Words = std::array<uint32_t, 4>;

// Source: Random123, examples/kat_vectors, lines "philox4x32 10".
TEST_CASE("Philox gives its authors' known answers") {
  constexpr uint32_t kOnes = 0xffffffff;
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}) ==
        Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

// Computed with a second implementation, in another language.
TEST_CASE("the first words are pinned") {
  Generator g(1);
  for (const uint32_t word :
       {0xe3e80670u, 0xe50a0ebcu, 0x95f222c0u, 0xb615aa27u, 0xac08141bu, 0xdfc5ccbeu}) {
    CHECK(g.bits() == word);
  }
}

TEST_CASE("all 64 bits of seed, stream and block number count") {
  Generator g(0x0123456789abcdef, 0xfedcba9876543210);
  g.set_position((uint64_t{1} << 40) + 3);
  for (const uint32_t word : {0xded923dau, 0x3747f078u, 0x0df101beu}) CHECK(g.bits() == word);
}

TEST_CASE("the first uniforms, normals and integers are pinned to the bit") {
  Generator u(1), n(1), i(1);
  for (const double x : {0x1.c7d00ce1ca141p-1, 0x1.2be445816c2b5p-1, 0x1.58102837bf8b9p-1}) {
    CHECK(u.uniform() == x);
  }
  for (const double x : {-0x1.cdf76d60308f9p+0, -0x1.79c22ed32136dp+0, -0x1.6284fd3438828p-3,
                         0x1.0ba25622e03d3p+0}) {
    CHECK(n.normal() == x);
  }
  for (const int64_t x : {0, 2, -5, -5, -2, -3, 1, -2, -3, -5, -4, -5}) {
    CHECK(i.integer(-5, 6) == x);
  }
}

TEST_CASE("any position is reached directly") {
  Generator all(7, 3);
  std::vector<uint32_t> words(41);
  std::generate(words.begin(), words.end(), [&] { return all.bits(); });
  Generator g(7, 3);
  for (const unsigned position : {40u, 0u, 5u, 4u, 3u, 7u, 8u, 39u, 1u}) {
    g.set_position(position);
    CHECK(g.bits() == words[position]);
    CHECK(g.position() == position + 1);
  }
}

TEST_CASE("uniform takes two words, normal four, and a saved position continues the sequence") {
  Generator g(5);
  CHECK(g.position() == 0);
  static_cast<void>(g.uniform());
  CHECK(g.position() == 2);
  static_cast<void>(g.normal());
  CHECK(g.position() == 6);
  Generator resumed(g.seed(), g.stream());
  resumed.set_position(g.position());
  for (int k = 0; k < 9; ++k) CHECK(resumed.normal() == g.normal());
}

TEST_CASE("another seed or stream is another sequence") {
  Generator a(1, 0), b(2, 0), c(1, 1);
  int same = 0;
  for (int k = 0; k < 1000; ++k) {
    const uint32_t x = a.bits();
    same += (x == b.bits()) + (x == c.bits());
  }
  CHECK(same == 0);
}

// With n numbers the mean of a uniform has deviation 1/√(12 n); five of them are allowed.
TEST_CASE("uniform fills the unit interval evenly") {
  constexpr int n = 200000;
  Generator g(11);
  double sum = 0, squares = 0, low = 1, high = 0;
  std::vector<int> bins(16);
  for (int k = 0; k < n; ++k) {
    const double x = g.uniform();
    sum += x, squares += x * x, low = std::min(low, x), high = std::max(high, x);
    bins[static_cast<size_t>(x * 16)] += 1;
  }
  CHECK(low >= 0);
  CHECK(high < 1);
  CHECK(std::fabs(sum / n - 1.0 / 2) <= 5 / std::sqrt(12.0 * n));
  CHECK(std::fabs(squares / n - 1.0 / 3) <= 5 * std::sqrt(4.0 / 45 / n));
  double chi_squared = 0;  // 15 degrees of freedom: above 44.3 once in 10,000 sequences
  for (const int count : bins) chi_squared += std::pow(count - n / 16.0, 2) / (n / 16.0);
  CHECK(chi_squared <= 44.3);
}

// The k-th moments of the normal distribution are 0, 1, 0, 3; their deviations √(m₂ₖ - mₖ²) / √n.
TEST_CASE("normal has the moments of the normal distribution") {
  constexpr int n = 200000;
  const double moments[] = {0, 1, 0, 3},
               deviations[] = {1, std::sqrt(2), std::sqrt(15), std::sqrt(96)};
  Generator g(12);
  double sums[4] = {};
  int beyond_2 = 0;
  for (int i = 0; i < n; ++i) {
    const double x = g.normal();
    for (int k = 0; k < 4; ++k) sums[k] += std::pow(x, k + 1);
    beyond_2 += std::fabs(x) > 2;
  }
  for (int k = 0; k < 4; ++k) {
    CHECK(std::fabs(sums[k] / n - moments[k]) <= 5 * deviations[k] / std::sqrt(n));
  }
  const double p = 0.0455002638963584;  // P(|x| > 2)
  CHECK(std::fabs(beyond_2 / double{n} - p) <= 5 * std::sqrt(p * (1 - p) / n));
}

TEST_CASE("integer stays in its range and favours no value") {
  constexpr int n = 70000;
  Generator g(13);
  std::vector<int> counts(7);
  for (int k = 0; k < n; ++k) {
    const int64_t x = g.integer(-3, 4);
    REQUIRE(x >= -3);
    REQUIRE(x < 4);
    counts[static_cast<size_t>(x + 3)] += 1;
  }
  double chi_squared = 0;  // 6 degrees of freedom: above 27.9 once in 10,000 sequences
  for (const int count : counts) chi_squared += std::pow(count - n / 7.0, 2) / (n / 7.0);
  CHECK(chi_squared <= 27.9);
}

// With range = 3 · 2^62 a remainder alone would land in the lowest third half of the time.
TEST_CASE("integer is unbiased where the range does not divide 2^64") {
  constexpr int n = 30000;
  constexpr int64_t low = std::numeric_limits<int64_t>::min(), third = int64_t{1} << 62;
  Generator g(14);
  int lowest_third = 0;
  for (int k = 0; k < n; ++k)
    lowest_third += g.integer(low, low + third + third + third) < low + third;
  CHECK(std::fabs(lowest_third / double{n} - 1.0 / 3) <= 5 * std::sqrt(2.0 / 9 / n));
}

TEST_CASE("integer takes ranges of one value and of almost all values") {
  constexpr int64_t low = std::numeric_limits<int64_t>::min();
  constexpr int64_t high = std::numeric_limits<int64_t>::max();
  Generator g(15);
  CHECK(g.integer(42, 43) == 42);
  CHECK(g.integer(high - 1, high) == high - 1);
  for (int k = 0; k < 100; ++k) CHECK(g.integer(low, high) < high);
}

TEST_CASE("integer refuses an empty range") {
  Generator g(1);
  CHECK_THROWS_WITH_AS(static_cast<void>(g.integer(3, 3)),
                       "integer: empty range: low 3, high 3; need low < high",
                       std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(g.integer(3, -3)), std::invalid_argument);
}
