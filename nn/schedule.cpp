// The factor of each schedule, with lib's portable cosine: the same bits on every machine.
#include "nn/schedule.h"

#include <algorithm>
#include <cmath>

#include "lib/elementary.h"

namespace qkv::nn {

double schedule_factor(Schedule schedule, int64_t step, int64_t steps, int64_t warmup) {
  constexpr double kPi = 3.14159265358979323846;
  const double done = std::min(static_cast<double>(step) / static_cast<double>(steps), 1.0);
  double factor = 1;
  if (schedule == Schedule::linear) factor = 1 - done;
  if (schedule == Schedule::cosine) factor = (1 + lib::portable_cos(kPi * done)) / 2;
  if (schedule == Schedule::inverse_sqrt && step >= warmup) {
    factor = std::sqrt(static_cast<double>(warmup + 1) / static_cast<double>(step + 1));
  }
  if (step < warmup) factor *= static_cast<double>(step + 1) / static_cast<double>(warmup + 1);
  return factor;
}

}  // namespace qkv::nn
