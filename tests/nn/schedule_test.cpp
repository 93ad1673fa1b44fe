// Learning-rate schedules at the steps that characterise them.
#include "nn/schedule.h"

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>

using namespace qkv::nn;

TEST_CASE("the constant schedule is 1 from beginning to beyond the end") {
  for (const int64_t step : {0, 1, 99, 100, 1000}) {
    CHECK(schedule_factor(Schedule::constant, step, 100, 0) == 1);
  }
}

TEST_CASE("the linear schedule falls evenly to 0 and stays there") {
  CHECK(schedule_factor(Schedule::linear, 0, 100, 0) == 1);
  CHECK(schedule_factor(Schedule::linear, 25, 100, 0) == 0.75);
  CHECK(schedule_factor(Schedule::linear, 50, 100, 0) == 0.5);
  CHECK(schedule_factor(Schedule::linear, 100, 100, 0) == 0);
  CHECK(schedule_factor(Schedule::linear, 250, 100, 0) == 0);
}

TEST_CASE("the cosine schedule starts and ends level") {
  const auto at = [](int64_t step) { return schedule_factor(Schedule::cosine, step, 100, 0); };
  CHECK(at(0) == 1);
  CHECK(std::abs(at(25) - (2 + std::sqrt(2)) / 4) <= 1e-15);
  CHECK(std::abs(at(50) - 0.5) <= 1e-15);
  CHECK(std::abs(at(75) - (2 - std::sqrt(2)) / 4) <= 1e-15);
  CHECK(std::abs(at(100)) <= 1e-15);
  CHECK(at(101) == at(100));
  CHECK(1 - at(1) <= 1e-3);
  CHECK(at(99) <= 1e-3);
}

TEST_CASE("warm-up rises evenly and never starts at 0") {
  const auto at = [](int64_t step) { return schedule_factor(Schedule::constant, step, 100, 4); };
  CHECK(at(0) == 0.2);
  CHECK(at(1) == 0.4);
  CHECK(at(2) == 0.6);
  CHECK(at(3) == 0.8);
  CHECK(at(4) == 1);
  CHECK(at(5) == 1);
}

TEST_CASE("warm-up multiplies the schedule's own factor") {
  CHECK(schedule_factor(Schedule::linear, 1, 10, 3) == 0.9 * 0.5);
  CHECK(schedule_factor(Schedule::cosine, 2, 10, 3) ==
        schedule_factor(Schedule::cosine, 2, 10, 0) * 0.75);
}

TEST_CASE("schedules never rise after the warm-up") {
  for (const Schedule schedule : {Schedule::constant, Schedule::linear, Schedule::cosine}) {
    for (int64_t step = 10; step < 120; ++step) {
      CHECK(schedule_factor(schedule, step + 1, 100, 10) <=
            schedule_factor(schedule, step, 100, 10));
    }
  }
}

TEST_CASE("a run of one step has the full rate") {
  for (const Schedule schedule : {Schedule::constant, Schedule::linear, Schedule::cosine}) {
    CHECK(schedule_factor(schedule, 0, 1, 0) == 1);
  }
}

TEST_CASE("inverse_sqrt rises to the full rate and then falls like one over the root of the step") {
  const auto factor = [](int64_t step) {
    return schedule_factor(Schedule::inverse_sqrt, step, 100, 24);
  };
  CHECK(factor(0) == 1.0 / 25);
  CHECK(factor(24) == 1);
  CHECK(factor(99) == 0.5);
  CHECK(factor(399) == 0.25);  // it knows no last step
}
