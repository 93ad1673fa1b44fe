// The optimisers' steps: their factors in the weights' precision, and arrays in chunks for the
// kernels.
#include "lib/update.h"

#include <cmath>

#include "lib/parallel.h"
#include "lib/scratch.h"
#include "lib/simd/dispatch.h"

namespace qkv::lib {
namespace {

template <class T>
struct SgdFactors {
  T rate, momentum, decay;
  bool nesterov, first;
};

template <class T>
struct AdamFactors {
  T beta1, rest1, beta2, rest2;  // rest = 1 - beta
  T penalty;                     // coupled decay, else 0
  T keep;                        // 1 - rate decay if decoupled, else 1
  T rate;                        // over correction1
  T root;                        // 1 / √correction2
  T eps;
};

template <class T>
struct Kernels {
  void (*sgd)(int64_t n, SgdFactors<T> f, T* w, const T* g, T* velocity);
  void (*adam)(int64_t n, AdamFactors<T> f, T* w, const T* g, T* m, T* v);
  T (*squares)(int64_t n, const T* g);
};

#define QKV_KERNELS "lib/kernels/update.inl"
#include "lib/simd/every_isa.inl"

constexpr int64_t kChunk = 32'768;

}  // namespace

template <class T>
void sgd_update(int64_t n, SgdStep step, T* w, const T* g, T* velocity) {
  const SgdFactors<T> factors = {static_cast<T>(step.rate), static_cast<T>(step.momentum),
                                 static_cast<T>(step.decay), step.nesterov, step.first};
  parallel_for(n, kChunk, [&](int64_t begin, int64_t end) {
    kernels<T>().sgd(end - begin, factors, w + begin, g + begin,
                     velocity != nullptr ? velocity + begin : nullptr);
  });
}

template <class T>
void adam_update(int64_t n, AdamStep step, T* w, const T* g, T* m, T* v) {
  const AdamFactors<T> factors = {
      .beta1 = static_cast<T>(step.beta1),
      .rest1 = static_cast<T>(1 - step.beta1),
      .beta2 = static_cast<T>(step.beta2),
      .rest2 = static_cast<T>(1 - step.beta2),
      .penalty = static_cast<T>(step.decoupled ? 0 : step.decay),
      .keep = static_cast<T>(step.decoupled ? 1 - step.rate * step.decay : 1),
      .rate = static_cast<T>(step.rate / step.correction1),
      .root = static_cast<T>(1 / std::sqrt(step.correction2)),
      .eps = static_cast<T>(step.eps)};
  parallel_for(n, kChunk, [&](int64_t begin, int64_t end) {
    kernels<T>().adam(end - begin, factors, w + begin, g + begin, m + begin, v + begin);
  });
}

template <class T>
double sum_of_squares(int64_t n, const T* g) {
  const int64_t chunks = (n + kChunk - 1) / kChunk;
  const Scratch<double> part(chunks);
  parallel_for(n, kChunk, [&](int64_t begin, int64_t end) {
    part.data()[begin / kChunk] = static_cast<double>(kernels<T>().squares(end - begin, g + begin));
  });
  double total = 0;
  for (int64_t c = 0; c < chunks; ++c) total += part.data()[c];
  return total;
}

template void sgd_update(int64_t, SgdStep, float*, const float*, float*);
template void sgd_update(int64_t, SgdStep, double*, const double*, double*);
template void adam_update(int64_t, AdamStep, float*, const float*, float*, float*);
template void adam_update(int64_t, AdamStep, double*, const double*, double*, double*);
template double sum_of_squares(int64_t, const float*);
template double sum_of_squares(int64_t, const double*);

}  // namespace qkv::lib
