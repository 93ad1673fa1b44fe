// Four gradient checks as many projects have them, each with one weakness (float32 has to change
// eps and tolerance as well). Else they compare elements as autograd::grad_check does, with central
// differences and its cotangents, and do no more than that: no Taylor slope, no second look at
// eps / 10, no kinks, inputs never as views. kill_table.h counts what each of them lets through.
#pragma once

#include <string>
#include <vector>

#include "autograd/grad_check.h"

namespace qkv::examples {

struct WeakCheck {
  std::string column;        // its heading in the kill table
  std::string habit;         // what it does otherwise than grad_check
  bool sum_as_loss = false;  // L = Σ y; else L = Σ y r, r random
  bool one_element = false;  // of each input, drawn at random; else all
  autograd::Dtype dtype = autograd::Dtype::float64;
  double eps = 1e-6, atol = 1e-7, rtol = 1e-6;  // as in GradCheckOptions
};

[[nodiscard]] const std::vector<WeakCheck>& weak_checks();

// How far the worst compared element is outside the tolerance: |analytic - numeric| / (atol + rtol
// |numeric|). Up to 1 the check accepts the gradient. Infinite if an element is NaN.
[[nodiscard]] double excess(const WeakCheck& check, const autograd::Function& function,
                            const std::vector<autograd::Tensor>& inputs);

[[nodiscard]] inline bool accepts(const WeakCheck& check, const autograd::Function& function,
                                  const std::vector<autograd::Tensor>& inputs) {
  return excess(check, function, inputs) <= 1;
}

}  // namespace qkv::examples
