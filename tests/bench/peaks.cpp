// The peak probe: enough independent chains of fused multiply-adds to keep both FMA units busy.
#include "tests/bench/peaks.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "lib/simd/intrinsics.h"
#include "lib/simd/target.h"

namespace qkv::bench {

// The latency of an FMA is 4 cycles and two can start in each: 8 chains would do, 12 are safe. The
// chains start from different numbers, so that the compiler cannot merge them, and end in `sink`,
// so that it cannot leave them out.
static volatile float sink;

#if defined(QKV_X86_TARGETS)
QKV_TARGET_BEGIN("avx2,fma")
namespace avx2 {
static double run(int64_t rounds) {
  const __m256 factor = _mm256_set1_ps(0.999f), term = _mm256_set1_ps(0.001f);
  __m256 chain[12];
  for (int k = 0; k < 12; ++k) chain[k] = _mm256_set1_ps(static_cast<float>(k));
  for (int64_t i = 0; i < rounds; ++i) {
    for (int k = 0; k < 12; ++k) chain[k] = _mm256_fmadd_ps(chain[k], factor, term);
  }
  for (int k = 1; k < 12; ++k) chain[0] = _mm256_add_ps(chain[0], chain[k]);
  sink = _mm256_cvtss_f32(chain[0]);
  return static_cast<double>(rounds) * 12 * 8 * 2;
}
}  // namespace avx2
QKV_TARGET_END

QKV_TARGET_BEGIN("avx512f")
namespace avx512 {
static double run(int64_t rounds) {
  const __m512 factor = _mm512_set1_ps(0.999f), term = _mm512_set1_ps(0.001f);
  __m512 chain[12];
  for (int k = 0; k < 12; ++k) chain[k] = _mm512_set1_ps(static_cast<float>(k));
  for (int64_t i = 0; i < rounds; ++i) {
    for (int k = 0; k < 12; ++k) chain[k] = _mm512_fmadd_ps(chain[k], factor, term);
  }
  for (int k = 1; k < 12; ++k) chain[0] = _mm512_add_ps(chain[0], chain[k]);
  sink = _mm512_cvtss_f32(chain[0]);
  return static_cast<double>(rounds) * 12 * 16 * 2;
}
}  // namespace avx512
QKV_TARGET_END
#endif

#if defined(__aarch64__)
namespace neon {
static double run(int64_t rounds) {
  const float32x4_t factor = vdupq_n_f32(0.999f), term = vdupq_n_f32(0.001f);
  float32x4_t chain[16];
  for (int k = 0; k < 16; ++k) chain[k] = vdupq_n_f32(static_cast<float>(k));
  for (int64_t i = 0; i < rounds; ++i) {
    for (int k = 0; k < 16; ++k) chain[k] = vfmaq_f32(term, chain[k], factor);
  }
  for (int k = 1; k < 16; ++k) chain[0] = vaddq_f32(chain[0], chain[k]);
  sink = vgetq_lane_f32(chain[0], 0);
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
