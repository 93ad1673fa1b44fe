// Learning-rate schedules: the factor that multiplies the base rate at step 0, 1, ... of a run.
#pragma once

#include <cstdint>

namespace qkv::nn {

//   warm-up     0 ... warmup       rises linearly to the schedule's own factor
//   constant    1
//   linear      1 - step / steps
//   cosine      (1 + cos(π step / steps)) / 2      Loshchilov and Hutter 2017
//   inverse_sqrt   √((warmup + 1) / (step + 1)) after the warm-up: "Noam", Vaswani et al. 2017,
//                  section 5.3, whose rate peaks at base = 1 / √(C warmup)
enum class Schedule { constant, linear, cosine, inverse_sqrt };

// REQUIRES: steps >= 1, 0 <= step. The factor is (step + 1) / (warmup + 1) during warm-up, times
// the schedule's; beyond `steps` the schedule stays at its last value, but for inverse_sqrt, which
// knows no last step.
[[nodiscard]] double schedule_factor(Schedule schedule, int64_t step, int64_t steps,
                                     int64_t warmup);

}  // namespace qkv::nn
