// Compiles the file QKV_KERNELS once per instruction set: a namespace, a target region (target.h),
// and in it the Vec of that set, the Lanes, and the kernel templates, which end with
//
//   table<T>()      a Kernels<T>: pointers to the instances of this set's templates
//
// Below, kernels<T>() chooses among the tables at run time. The file that includes this one defines
// Kernels<T>, in the same unnamed namespace: nothing compiled here is seen by another file.

namespace scalar {
#include "lib/simd/vec_scalar.h"

#include "lib/simd/lanes.inl"

#include QKV_KERNELS
}  // namespace scalar

#if defined(QKV_X86_TARGETS)
// The scalar kernels again, for processors whose fused multiply-add is one instruction: there the
// portable form calls the C library for each. Same bits.
QKV_TARGET_BEGIN("fma")
namespace scalar_fma {
#include "lib/simd/vec_scalar.h"

#include "lib/simd/lanes.inl"

#include QKV_KERNELS
}  // namespace scalar_fma
QKV_TARGET_END

QKV_TARGET_BEGIN("avx2,fma")
namespace avx2 {
#include "lib/simd/vec_avx2.h"

#include "lib/simd/lanes.inl"

#include QKV_KERNELS
}  // namespace avx2
QKV_TARGET_END

QKV_TARGET_BEGIN("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")
namespace avx512 {
#include "lib/simd/vec_avx512.h"

#include "lib/simd/lanes.inl"

#include QKV_KERNELS
}  // namespace avx512
QKV_TARGET_END
#endif

#if defined(__aarch64__)
namespace neon {
#include "lib/simd/vec_neon.h"

#include "lib/simd/lanes.inl"

#include QKV_KERNELS
}  // namespace neon
#endif

// The kernels of active_isa(), the instruction set in use (cpu.h). T is float or double.
template <class T>
const Kernels<T>& kernels() {
  static constexpr Kernels<T> scalar_table = scalar::table<T>();
#if defined(QKV_X86_TARGETS)
  static constexpr Kernels<T> scalar_fma_table = scalar_fma::table<T>();
  static constexpr Kernels<T> avx2_table = avx2::table<T>();
  static constexpr Kernels<T> avx512_table = avx512::table<T>();
  switch (active_isa()) {
    case Isa::avx512:
      return avx512_table;
    case Isa::avx2:
      return avx2_table;
    default:
      return has_fma() ? scalar_fma_table : scalar_table;
  }
#elif defined(__aarch64__)
  static constexpr Kernels<T> neon_table = neon::table<T>();
  return active_isa() == Isa::neon ? neon_table : scalar_table;
#else
  return scalar_table;
#endif
}

#undef QKV_KERNELS
