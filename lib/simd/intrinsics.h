// The compiler's SIMD functions for the processor family compiled for. QKV_X86_TARGETS says that it
// is x86-64 with target regions (target.h), so AVX2 and AVX-512 kernels can be compiled.
#pragma once

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define QKV_X86_TARGETS 1
#pragma GCC diagnostic push
#if !defined(__clang__)  // g++ 12 takes its own AVX-512 placeholders for uninitialised variables
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif
