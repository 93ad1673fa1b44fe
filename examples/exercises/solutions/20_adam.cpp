// Solution 20. Of constant gradients g, m after n steps is g times a sum of weights,
//
//   0.1 (1 + 0.9 + ... + 0.9^(n-1)) = 1 - 0.9^n
//
// which the correction divides by. So the first step is g / |g|: `rate`, up or down, however large
// the gradient is. The library's: Adam in nn/optimizer.cpp, lib/update.h.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

void adam_step(std::vector<double>& w, std::vector<double>& m, std::vector<double>& v,
               const std::vector<double>& g, int step, double rate) {
  for (size_t i = 0; i < w.size(); ++i) {
    m[i] = 0.9 * m[i] + 0.1 * g[i];
    v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
    const double m_corrected = m[i] / (1 - std::pow(0.9, step));
    const double v_corrected = v[i] / (1 - std::pow(0.999, step));
    w[i] -= rate * m_corrected / (std::sqrt(v_corrected) + 1e-8);
  }
}

}  // namespace qkv::examples
