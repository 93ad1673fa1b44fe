// Compiles kernels/matmul.inl for every instruction set.
#include "lib/matmul_kernels.h"

#include "lib/simd/dispatch.h"

namespace qkv::lib {
namespace {

template <class T>
using Kernels = MatmulKernels<T>;

#define QKV_KERNELS "lib/kernels/matmul.inl"
#include "lib/simd/every_isa.inl"

}  // namespace

template <class T>
const MatmulKernels<T>& matmul_kernels() {
  return kernels<T>();
}

template <class T>
const MatmulKernels<T>& scalar_matmul_kernels() {
  static constexpr MatmulKernels<T> plain = scalar::table<T>();
#if defined(QKV_X86_TARGETS)
  static constexpr MatmulKernels<T> with_fma = scalar_fma::table<T>();
  if (has_fma()) return with_fma;
#endif
  return plain;
}

template const MatmulKernels<float>& matmul_kernels();
template const MatmulKernels<double>& matmul_kernels();
template const MatmulKernels<float>& scalar_matmul_kernels();
template const MatmulKernels<double>& scalar_matmul_kernels();

}  // namespace qkv::lib
