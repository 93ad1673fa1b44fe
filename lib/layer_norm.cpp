// Normalisation of rows: the definitions, and rows in chunks for the SIMD kernels.
#include "lib/layer_norm.h"

#include <algorithm>
#include <cmath>

#include "lib/parallel.h"
#include "lib/scratch.h"
#include "lib/simd/dispatch.h"

namespace qkv::lib {
namespace {

template <class T>
struct Kernels {
  using Forward = void (*)(int64_t rows, int64_t n, const T* x, const T* gamma, const T* beta,
                           T eps, T* y, T* mean, T* inverse, bool from_memory);
  using Backward = void (*)(int64_t rows, int64_t n, const T* dy, const T* x, const T* mean,
                            const T* inverse, const T* gamma, T* dx, T* dgamma, T* dbeta,
                            bool from_memory);
  Forward layer_norm_rows, rms_norm_rows;  // rms_norm has null for beta, mean and dbeta
  Backward layer_norm_backward_rows, rms_norm_backward_rows;
};

#define QKV_KERNELS "lib/kernels/layer_norm.inl"
#include "lib/simd/every_isa.inl"

// More elements than these are taken to come from memory (kernels/together.inl).
constexpr int64_t kElementsInCache = 131'072;

// Rows in a chunk; at least 16, so that a chunk's sums are small beside the chunk.
int64_t rows_per_chunk(int64_t n) { return std::max<int64_t>(16, 32'768 / n); }

template <class T>
void forward(typename Kernels<T>::Forward kernel, NormShape shape, const T* x, const T* gamma,
             const T* beta, T eps, T* y, T* mean, T* inverse) {
  const int64_t n = shape.n;
  parallel_for(shape.rows, rows_per_chunk(n), [&](int64_t begin, int64_t end) {
    kernel(end - begin, n, x + begin * n, gamma, beta, eps, y + begin * n,
           mean != nullptr ? mean + begin : nullptr, inverse + begin,
           shape.rows * n > kElementsInCache);
  });
}

// Every chunk adds up its own dgamma and dbeta: 2n numbers, side by side in `sums`. Then those are
// added in the order of the chunks.
template <class T>
void backward(typename Kernels<T>::Backward kernel, NormShape shape, const T* dy, const T* x,
              const T* mean, const T* inverse, const T* gamma, T* dx, T* dgamma, T* dbeta) {
  const int64_t n = shape.n, grain = rows_per_chunk(n);
  const int64_t chunks = (shape.rows + grain - 1) / grain;
  const Scratch<T> sums(chunks * 2 * n);
  parallel_for(shape.rows, grain, [&](int64_t begin, int64_t end) {
    T* const sum = sums.data() + begin / grain * 2 * n;
    std::fill(sum, sum + 2 * n, T(0));
    kernel(end - begin, n, dy + begin * n, x + begin * n, mean != nullptr ? mean + begin : inverse,
           inverse + begin, gamma, dx + begin * n, sum, sum + n, shape.rows * n > kElementsInCache);
  });
  const auto add_chunks = [&](const T* sum, T* total) {
    std::fill(total, total + n, T(0));
    for (int64_t c = 0; c < chunks; ++c, sum += 2 * n) {
      for (int64_t i = 0; i < n; ++i) total[i] += sum[i];
    }
  };
  add_chunks(sums.data(), dgamma);
  if (dbeta != nullptr) add_chunks(sums.data() + n, dbeta);
}

}  // namespace

template <class T>
void layer_norm_definition(NormShape shape, const T* x, const T* gamma, const T* beta, T eps, T* y,
                           T* mean, T* inverse) {
  const int64_t n = shape.n;
  for (int64_t row = 0; row < shape.rows; ++row, x += n, y += n) {
    T sum = 0, squares = 0;
    for (int64_t i = 0; i < n; ++i) sum += x[i];
    mean[row] = sum / static_cast<T>(n);
    for (int64_t i = 0; i < n; ++i) squares += (x[i] - mean[row]) * (x[i] - mean[row]);
    inverse[row] = 1 / std::sqrt(squares / static_cast<T>(n) + eps);
    for (int64_t i = 0; i < n; ++i) {
      y[i] = (x[i] - mean[row]) * inverse[row] * gamma[i] + beta[i];
    }
  }
}

template <class T>
void rms_norm_definition(NormShape shape, const T* x, const T* gamma, T eps, T* y, T* inverse) {
  const int64_t n = shape.n;
  for (int64_t row = 0; row < shape.rows; ++row, x += n, y += n) {
    T squares = 0;
    for (int64_t i = 0; i < n; ++i) squares += x[i] * x[i];
    inverse[row] = 1 / std::sqrt(squares / static_cast<T>(n) + eps);
    for (int64_t i = 0; i < n; ++i) y[i] = x[i] * inverse[row] * gamma[i];
  }
}

template <class T>
void layer_norm(NormShape shape, const T* x, const T* gamma, const T* beta, T eps, T* y, T* mean,
                T* inverse) {
  forward(kernels<T>().layer_norm_rows, shape, x, gamma, beta, eps, y, mean, inverse);
}

template <class T>
void layer_norm_backward(NormShape shape, const T* dy, const T* x, const T* mean, const T* inverse,
                         const T* gamma, T* dx, T* dgamma, T* dbeta) {
  backward(kernels<T>().layer_norm_backward_rows, shape, dy, x, mean, inverse, gamma, dx, dgamma,
           dbeta);
}

template <class T>
void rms_norm(NormShape shape, const T* x, const T* gamma, T eps, T* y, T* inverse) {
  T* const none = nullptr;
  forward<T>(kernels<T>().rms_norm_rows, shape, x, gamma, none, eps, y, none, inverse);
}

template <class T>
void rms_norm_backward(NormShape shape, const T* dy, const T* x, const T* inverse, const T* gamma,
                       T* dx, T* dgamma) {
  T* const none = nullptr;
  backward<T>(kernels<T>().rms_norm_backward_rows, shape, dy, x, none, inverse, gamma, dx, dgamma,
              none);
}

template void layer_norm_definition(NormShape, const float*, const float*, const float*, float,
                                    float*, float*, float*);
template void layer_norm_definition(NormShape, const double*, const double*, const double*, double,
                                    double*, double*, double*);
template void layer_norm(NormShape, const float*, const float*, const float*, float, float*, float*,
                         float*);
template void layer_norm(NormShape, const double*, const double*, const double*, double, double*,
                         double*, double*);
template void layer_norm_backward(NormShape, const float*, const float*, const float*, const float*,
                                  const float*, float*, float*, float*);
template void layer_norm_backward(NormShape, const double*, const double*, const double*,
                                  const double*, const double*, double*, double*, double*);
template void rms_norm_definition(NormShape, const float*, const float*, float, float*, float*);
template void rms_norm_definition(NormShape, const double*, const double*, double, double*,
                                  double*);
template void rms_norm(NormShape, const float*, const float*, float, float*, float*);
template void rms_norm(NormShape, const double*, const double*, double, double*, double*);
template void rms_norm_backward(NormShape, const float*, const float*, const float*, const float*,
                                float*, float*);
template void rms_norm_backward(NormShape, const double*, const double*, const double*,
                                const double*, double*, double*);

}  // namespace qkv::lib
