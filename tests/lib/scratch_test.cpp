// Scratch: aligned memory for a scope, given back at its end and found again the next time.
#include "lib/scratch.h"

#include <doctest/doctest.h>

#include <cstdint>

using namespace qkv::lib;

TEST_CASE("scratch memory is aligned, large enough, and returned at the end of the scope") {
  const int64_t before = memory_stats().live_bytes;
  {
    const Scratch<float> floats(1000);
    const Scratch<double> doubles(1);
    CHECK(reinterpret_cast<uintptr_t>(floats.data()) % kAlignment == 0);
    CHECK(reinterpret_cast<uintptr_t>(doubles.data()) % kAlignment == 0);
    for (int64_t i = 0; i < 1000; ++i) floats.data()[i] = static_cast<float>(i);
    doubles.data()[0] = -1;
    CHECK(floats.data()[999] == 999);
    CHECK(memory_stats().live_bytes - before >= 4008);
  }
  CHECK(memory_stats().live_bytes == before);
}

TEST_CASE("a size used before costs no system call") {
  { const Scratch<double> first(12345); }
  const int64_t before = memory_stats().system_calls;
  for (int i = 0; i < 100; ++i) {
    const Scratch<double> again(12345);
    CHECK(again.data() != nullptr);
  }
  CHECK(memory_stats().system_calls == before);
}

TEST_CASE("scratch memory for nothing is fine") { CHECK_NOTHROW(Scratch<float>(0)); }
