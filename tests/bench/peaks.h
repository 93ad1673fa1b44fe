// What this processor can do at most: the yardsticks that the benchmarks are measured against.
#pragma once

#include "lib/cpu.h"

namespace qkv::bench {

// The fused multiply-adds per second of one thread, times two (a multiplication and an addition),
// in float32 and with the registers of `isa`: independent chains that never leave the registers.
// Takes 0.1 s.
[[nodiscard]] double measure_peak_flops(lib::Isa isa);

}  // namespace qkv::bench
