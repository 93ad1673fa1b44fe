// The peak probe: enough independent chains of fused multiply-adds to keep both FMA units busy.
#include "tests/bench/peaks.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "lib/simd/intrinsics.h"
#include "lib/simd/target.h"

namespace qkv::bench {

// The latency of an FMA is 4 cycles and two can start in each: 8 chains would do, 12 are safe. The
// empty asm keeps the compiler from merging the chains, which all compute the same.
#if defined(QKV_X86_TARGETS)
QKV_TARGET_BEGIN("avx2,fma")
namespace avx2 {
static double run(int64_t rounds) {
  __m256 chain[12];
  const __m256 factor = _mm256_set1_ps(0.999f), term = _mm256_set1_ps(0.001f);
  for (__m256& c : chain) c = term;
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int k = 0; k < 12; ++k) {
      chain[k] = _mm256_fmadd_ps(chain[k], factor, term);
      __asm__ volatile("" : "+x"(chain[k]));
    }
  }
  return static_cast<double>(rounds) * 12 * 8 * 2;
}
}  // namespace avx2
QKV_TARGET_END

QKV_TARGET_BEGIN("avx512f")
namespace avx512 {
static double run(int64_t rounds) {
  __m512 chain[12];
  const __m512 factor = _mm512_set1_ps(0.999f), term = _mm512_set1_ps(0.001f);
  for (__m512& c : chain) c = term;
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int k = 0; k < 12; ++k) {
      chain[k] = _mm512_fmadd_ps(chain[k], factor, term);
      __asm__ volatile("" : "+v"(chain[k]));
    }
  }
  return static_cast<double>(rounds) * 12 * 16 * 2;
}
}  // namespace avx512
QKV_TARGET_END
#endif

#if defined(__aarch64__)
namespace neon {
static double run(int64_t rounds) {
  float32x4_t chain[16];
  const float32x4_t factor = vdupq_n_f32(0.999f), term = vdupq_n_f32(0.001f);
  for (float32x4_t& c : chain) c = term;
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 16
    for (int k = 0; k < 16; ++k) {
      chain[k] = vfmaq_f32(term, chain[k], factor);
      __asm__ volatile("" : "+w"(chain[k]));
    }
  }
  return static_cast<double>(rounds) * 16 * 4 * 2;
}
}  // namespace neon
#endif

namespace {

double run_isa([[maybe_unused]] lib::Isa isa, [[maybe_unused]] int64_t rounds) {
#if defined(QKV_X86_TARGETS)
  if (isa == lib::Isa::avx512) return avx512::run(rounds);
  if (isa == lib::Isa::avx2) return avx2::run(rounds);
#elif defined(__aarch64__)
  if (isa == lib::Isa::neon) return neon::run(rounds);
#endif
  return 0;  // no probe for the scalar kernels
}

}  // namespace

double measure_peak_flops(lib::Isa isa) {
  constexpr int64_t kRounds = 2'000'000;
  double best = 0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    const double flops = run_isa(isa, kRounds);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    best = std::max(best, flops / took.count());
  }
  return best;
}

}  // namespace qkv::bench
