// Rows of layer normalisation: sums in lanes by the SIMD kernels, the rest as plain loops of
// exactly rounded operations.
#include "lib/layer_norm.h"

#include <algorithm>
#include <cmath>

#include "lib/parallel.h"
#include "lib/simd/dispatch.h"

namespace qkv::lib {
namespace {

template <class T>
struct Kernels {
  T (*sum_row)(int64_t n, const T* x);
  T (*dot_row)(int64_t n, const T* x, const T* y);
};

#define QKV_KERNELS "lib/kernels/layer_norm.inl"
#include "lib/simd/every_isa.inl"

constexpr int64_t kElementsPerChunk = 32'768;

int64_t rows_per_chunk(int64_t n) { return std::max<int64_t>(1, kElementsPerChunk / n); }

}  // namespace

template <class T>
void layer_norm(int64_t rows, int64_t n, const T* x, T eps, T* y, T* inverse_deviation) {
  const Kernels<T>& k = kernels<T>();
  parallel_for(rows, rows_per_chunk(n), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const T* const from = x + row * n;
      T* const to = y + row * n;
      const T mean = k.sum_row(n, from) / static_cast<T>(n);
      for (int64_t i = 0; i < n; ++i) to[i] = from[i] - mean;
      const T variance = k.dot_row(n, to, to) / static_cast<T>(n);
      const T factor = T(1) / std::sqrt(variance + eps);
      for (int64_t i = 0; i < n; ++i) to[i] *= factor;
      inverse_deviation[row] = factor;
    }
  });
}

template <class T>
void layer_norm_backward(int64_t rows, int64_t n, const T* dy, const T* y,
                         const T* inverse_deviation, T* dx) {
  const Kernels<T>& k = kernels<T>();
  parallel_for(rows, rows_per_chunk(n), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const T *const d = dy + row * n, *const normal = y + row * n;
      const T mean_d = k.sum_row(n, d) / static_cast<T>(n);
      const T mean_dy = k.dot_row(n, d, normal) / static_cast<T>(n);
      const T factor = inverse_deviation[row];
      T* const to = dx + row * n;
      for (int64_t i = 0; i < n; ++i) to[i] = factor * (d[i] - mean_d - normal[i] * mean_dy);
    }
  });
}

template void layer_norm(int64_t, int64_t, const float*, float, float*, float*);
template void layer_norm(int64_t, int64_t, const double*, double, double*, double*);
template void layer_norm_backward(int64_t, int64_t, const float*, const float*, const float*,
                                  float*);
template void layer_norm_backward(int64_t, int64_t, const double*, const double*, const double*,
                                  double*);

}  // namespace qkv::lib
