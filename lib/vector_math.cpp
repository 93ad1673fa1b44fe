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
  Map exp, log, tanh, sigmoid, relu, erf, gelu, gelu_slope, gelu_tanh, gelu_tanh_slope;

  // dx[i] = f'(saved[i]) dy[i]; dy may be dx.
  using MapBackward = void (*)(int64_t n, const T* saved, const T* dy, T* dx);
  MapBackward tanh_backward, sigmoid_backward, relu_backward, gelu_backward, gelu_tanh_backward;

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
    case Function::relu:
      return k.relu;
    case Function::erf:
      return k.erf;
    case Function::gelu:
      return k.gelu;
    case Function::gelu_slope:
      return k.gelu_slope;
    case Function::gelu_tanh:
      return k.gelu_tanh;
    case Function::gelu_tanh_slope:
      return k.gelu_tanh_slope;
  }
  return nullptr;
}

template <class T>
typename Kernels<T>::MapBackward backward_kernel_of(Function f) {
  const Kernels<T>& k = kernels<T>();
  switch (f) {
    case Function::tanh:
      return k.tanh_backward;
    case Function::sigmoid:
      return k.sigmoid_backward;
    case Function::relu:
      return k.relu_backward;
    case Function::gelu:
      return k.gelu_backward;
    case Function::gelu_tanh:
      return k.gelu_tanh_backward;
    default:
      return nullptr;
  }
}

constexpr int64_t kChunk = 32'768;  // elements that a thread takes at a time

}  // namespace

template <class T>
void map(Function f, int64_t n, const T* x, T* y) {
  const auto kernel = kernel_of<T>(f);
  parallel_for(n, kChunk,
               [&](int64_t begin, int64_t end) { kernel(end - begin, x + begin, y + begin); });
}

template <class T>
void map_backward(Function f, int64_t n, const T* saved, const T* dy, T* dx) {
  const auto kernel = backward_kernel_of<T>(f);
  parallel_for(n, kChunk, [&](int64_t begin, int64_t end) {
    kernel(end - begin, saved + begin, dy + begin, dx + begin);
  });
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
template void map_backward(Function, int64_t, const float*, const float*, float*);
template void map_backward(Function, int64_t, const double*, const double*, double*);
template float sum(int64_t, const float*);
template double sum(int64_t, const double*);
template float dot(int64_t, const float*, const float*);
template double dot(int64_t, const double*, const double*);

}  // namespace qkv::lib
