// From a Function to the kernel of the instruction set in use.
#include "lib/vector_math.h"

#include "lib/parallel.h"
#include "lib/simd/dispatch.h"

namespace qkv::lib {
namespace {

template <class T>
struct Kernels {
  // y[i] = f(x[i]) for i < n; x may be y.
  using Map = void (*)(int64_t n, const T* x, T* y);
  Map exp, log, tanh, sigmoid, erf, gelu, gelu_slope;

  T (*sum_row)(int64_t n, const T* x);
  T (*dot_row)(int64_t n, const T* x, const T* y);
};

#define QKV_KERNELS "lib/kernels/map.inl"
#include "lib/simd/every_isa.inl"

template <class T>
typename Kernels<T>::Map kernel_of(Function f) {
  const Kernels<T>& k = kernels<T>();
  switch (f) {
    case Function::exp:
      return k.exp;
    case Function::log:
      return k.log;
    case Function::tanh:
      return k.tanh;
    case Function::sigmoid:
      return k.sigmoid;
    case Function::erf:
      return k.erf;
    case Function::gelu:
      return k.gelu;
    case Function::gelu_slope:
      return k.gelu_slope;
  }
  return nullptr;
}

}  // namespace

template <class T>
void map(Function f, int64_t n, const T* x, T* y) {
  constexpr int64_t kChunk = 32'768;
  const auto kernel = kernel_of<T>(f);
  parallel_for(n, kChunk,
               [&](int64_t begin, int64_t end) { kernel(end - begin, x + begin, y + begin); });
}

template <class T>
T sum(int64_t n, const T* x) {
  return kernels<T>().sum_row(n, x);
}

template <class T>
T dot(int64_t n, const T* x, const T* y) {
  return kernels<T>().dot_row(n, x, y);
}

template void map(Function, int64_t, const float*, float*);
template void map(Function, int64_t, const double*, double*);
template float sum(int64_t, const float*);
template double sum(int64_t, const double*);
template float dot(int64_t, const float*, const float*);
template double dot(int64_t, const double*, const double*);

}  // namespace qkv::lib
