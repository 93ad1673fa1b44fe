// What this processor can do at most: the yardsticks that the benchmarks are measured against. Each
// is a short burst of work that a benchmark repeats between its own bursts, so that both meet the
// same clock frequency and the same neighbours. Next: probe.inl, the chains of multiply-adds.
#pragma once

#include <cstdint>

namespace qkv::bench {

// A unit of speed, and what one burst reached in it.
struct Burst {
  double work;     // GFLOP or GB
  double seconds;  // that it took
};

// Fused multiply-adds with the registers of lib::active_isa(), each counted as two operations:
// independent chains that never leave the registers. T is float or double. About 0.2 ms.
template <class T>
[[nodiscard]] Burst fma_burst();

// The same on two threads at once; the work of both.
[[nodiscard]] Burst two_threads_fma_burst();

// Copies `bytes` bytes from one array to another, at least once and for about 0.2 ms; each byte
// counts twice, as read and as written. REQUIRES: bytes <= 256 MiB.
[[nodiscard]] Burst copy_burst(int64_t bytes);

}  // namespace qkv::bench
