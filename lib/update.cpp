// The optimisers' loops: exactly rounded operations only, so the compiler may vectorise them
// freely.
#include "lib/update.h"

#include <cmath>

namespace qkv::lib {

template <class T>
void sgd_update(int64_t n, SgdStep step, T* w, const T* g, T* velocity) {
  const T rate = static_cast<T>(step.rate), momentum = static_cast<T>(step.momentum);
  const T decay = static_cast<T>(step.decay);
  for (int64_t i = 0; i < n; ++i) {
    const T slope = g[i] + decay * w[i];
    T direction = slope;
    if (velocity != nullptr) {
      velocity[i] = step.first ? slope : momentum * velocity[i] + slope;
      direction = step.nesterov ? slope + momentum * velocity[i] : velocity[i];
    }
    w[i] -= rate * direction;
  }
}

template <class T>
void adam_update(int64_t n, AdamStep step, T* w, const T* g, T* m, T* v) {
  const T beta1 = static_cast<T>(step.beta1), rest1 = static_cast<T>(1 - step.beta1);
  const T beta2 = static_cast<T>(step.beta2), rest2 = static_cast<T>(1 - step.beta2);
  const T rate = static_cast<T>(step.rate / step.correction1);
  const T root_correction = static_cast<T>(std::sqrt(step.correction2));
  const T eps = static_cast<T>(step.eps);
  const T penalty = static_cast<T>(step.decoupled ? 0 : step.decay);
  const T keep = static_cast<T>(step.decoupled ? 1 - step.rate * step.decay : 1);
  for (int64_t i = 0; i < n; ++i) {
    const T slope = g[i] + penalty * w[i];
    m[i] = beta1 * m[i] + rest1 * slope;
    v[i] = beta2 * v[i] + rest2 * slope * slope;
    w[i] = keep * w[i] - rate * m[i] / (std::sqrt(v[i]) / root_correction + eps);
  }
}

template void sgd_update(int64_t, SgdStep, float*, const float*, float*);
template void sgd_update(int64_t, SgdStep, double*, const double*, double*);
template void adam_update(int64_t, AdamStep, float*, const float*, float*, float*);
template void adam_update(int64_t, AdamStep, double*, const double*, double*, double*);

}  // namespace qkv::lib
