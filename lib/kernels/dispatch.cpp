// The one translation unit in which all kernels are compiled, once per instruction set: a
// namespace, a target region, the Vec of that set, the tile size that fits its registers, and
// all.inl.
#include <cmath>
#include <cstdint>

#include "lib/kernels/table.h"
#include "lib/simd/intrinsics.h"
#include "lib/simd/target.h"

namespace qkv::lib {

// Double-precision forms that <cmath> does not have.
static double scalar_sigmoid(double x) {
  const double e = ::exp(-::fabs(x));
  return (x < 0 ? e : 1) / (1 + e);
}
static double scalar_normal_distribution(double x) {
  return 0.5 * ::erfc(-x * 0.70710678118654752440);
}
static double scalar_gelu(double x) { return x * scalar_normal_distribution(x); }
static double scalar_gelu_slope(double x) {
  return scalar_normal_distribution(x) + x * 0.39894228040143267794 * ::exp(-0.5 * x * x);
}

namespace scalar {
constexpr int kTileRows = 4, kTileVecs = 4;
#include "lib/simd/vec_scalar.h"

#include "lib/kernels/all.inl"
}  // namespace scalar

#if defined(QKV_X86_TARGETS)
// The scalar kernels again, for processors whose fused multiply-add is one instruction: there the
// portable form calls the C library for each. Same bits.
QKV_TARGET_BEGIN("fma")
namespace scalar_fma {
constexpr int kTileRows = 4, kTileVecs = 4;
#include "lib/simd/vec_scalar.h"

#include "lib/kernels/all.inl"
}  // namespace scalar_fma
QKV_TARGET_END

QKV_TARGET_BEGIN("avx2,fma")
namespace avx2 {
constexpr int kTileRows = 6, kTileVecs = 2;  // 12 accumulators + 2 of B + 1 of A, of 16 registers
#include "lib/simd/vec_avx2.h"

#include "lib/kernels/all.inl"
}  // namespace avx2
QKV_TARGET_END

QKV_TARGET_BEGIN("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")
namespace avx512 {
constexpr int kTileRows = 12, kTileVecs = 2;  // 24 accumulators + 2 of B + 1 of A, of 32 registers
#include "lib/simd/vec_avx512.h"

#include "lib/kernels/all.inl"
}  // namespace avx512
QKV_TARGET_END
#endif

#if defined(__aarch64__)
namespace neon {
constexpr int kTileRows = 8, kTileVecs = 2;  // 16 accumulators + 2 of B + 1 of A, of 32 registers
#include "lib/simd/vec_neon.h"

#include "lib/kernels/all.inl"
}  // namespace neon
#endif

template <class T>
const Kernels<T>& kernels() {
  static constexpr Kernels<T> scalar_table = scalar::table<T>();
#if defined(QKV_X86_TARGETS)
  static constexpr Kernels<T> scalar_fma_table = scalar_fma::table<T>();
  static constexpr Kernels<T> avx2_table = avx2::table<T>();
  static constexpr Kernels<T> avx512_table = avx512::table<T>();
  static const bool has_fma = __builtin_cpu_supports("fma");
  switch (active_isa()) {
    case Isa::avx512:
      return avx512_table;
    case Isa::avx2:
      return avx2_table;
    default:
      return has_fma ? scalar_fma_table : scalar_table;
  }
#elif defined(__aarch64__)
  static constexpr Kernels<T> neon_table = neon::table<T>();
  return active_isa() == Isa::neon ? neon_table : scalar_table;
#else
  return scalar_table;
#endif
}

template const Kernels<float>& kernels<float>();
template const Kernels<double>& kernels<double>();

}  // namespace qkv::lib
