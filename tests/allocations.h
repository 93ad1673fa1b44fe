// How often the tests' program asks for memory: its operator new counts (allocations.cpp).
#pragma once

#include <cstdint>

namespace qkv::tests {

// Calls of operator new by this thread so far. The blocks of lib/memory.h are not among them, as
// they are asked for with an alignment: those, memory_stats().system_calls counts.
[[nodiscard]] int64_t allocations();

}  // namespace qkv::tests
