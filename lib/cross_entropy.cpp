// Cross entropy: rows in chunks for the SIMD kernels.
#include "lib/cross_entropy.h"

#include <algorithm>

#include "lib/parallel.h"
#include "lib/simd/dispatch.h"

namespace qkv::lib {
namespace {

template <class T>
struct Kernels {
  void (*forward)(int64_t rows, int64_t n, T smoothing, const T* x, const int64_t* target, T* loss,
                  T* m, T* inverse);
  void (*backward)(int64_t rows, int64_t n, T smoothing, T weight, const T* x,
                   const int64_t* target, const T* m, const T* inverse, T* dx);
};

#define QKV_KERNELS "lib/kernels/cross_entropy.inl"
#include "lib/simd/every_isa.inl"

int64_t rows_per_chunk(int64_t n) { return std::max<int64_t>(1, 32'768 / std::max<int64_t>(1, n)); }

}  // namespace

template <class T>
void cross_entropy(CrossEntropyShape shape, const T* x, const int64_t* target, T* loss, T* m,
                   T* inverse) {
  parallel_for(shape.rows, rows_per_chunk(shape.n), [&](int64_t begin, int64_t end) {
    kernels<T>().forward(end - begin, shape.n, static_cast<T>(shape.smoothing), x + begin * shape.n,
                         target + begin, loss + begin, m + begin, inverse + begin);
  });
}

template <class T>
void cross_entropy_backward(CrossEntropyShape shape, T weight, const T* x, const int64_t* target,
                            const T* m, const T* inverse, T* dx) {
  parallel_for(shape.rows, rows_per_chunk(shape.n), [&](int64_t begin, int64_t end) {
    const int64_t at = begin * shape.n;
    kernels<T>().backward(end - begin, shape.n, static_cast<T>(shape.smoothing), weight, x + at,
                          target + begin, m + begin, inverse + begin, dx + at);
  });
}

template void cross_entropy(CrossEntropyShape, const float*, const int64_t*, float*, float*,
                            float*);
template void cross_entropy(CrossEntropyShape, const double*, const int64_t*, double*, double*,
                            double*);
template void cross_entropy_backward(CrossEntropyShape, float, const float*, const int64_t*,
                                     const float*, const float*, float*);
template void cross_entropy_backward(CrossEntropyShape, double, const double*, const int64_t*,
                                     const double*, const double*, double*);

}  // namespace qkv::lib
