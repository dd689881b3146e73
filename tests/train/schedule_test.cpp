// SPDX-License-Identifier: Apache-2.0
#include "mw/train/schedule.h"

#include <gtest/gtest.h>

#include "tests/support/expect_error.h"

namespace mw::train {
namespace {

TEST(ScheduleTest, RisesThenStays) {
  const ScheduleConfig config{.warmup_steps = 4, .decay = "constant"};
  EXPECT_DOUBLE_EQ(learning_rate_factor(config, 0, 100), 0.25);
  EXPECT_DOUBLE_EQ(learning_rate_factor(config, 3, 100), 1.0);
  EXPECT_DOUBLE_EQ(learning_rate_factor(config, 99, 100), 1.0);
}

TEST(ScheduleTest, FallsFromItsStartToTheFinalFactor) {
  ScheduleConfig config{
      .warmup_steps = 0, .decay = "linear", .decay_start = 0.5, .final_factor = 0.2};
  EXPECT_DOUBLE_EQ(learning_rate_factor(config, 50, 100), 1.0);
  EXPECT_DOUBLE_EQ(learning_rate_factor(config, 75, 100), 0.6);
  EXPECT_DOUBLE_EQ(learning_rate_factor(config, 100, 100), 0.2);
  config.decay = "cosine";
  EXPECT_DOUBLE_EQ(learning_rate_factor(config, 75, 100), 0.6);
  EXPECT_NEAR(learning_rate_factor(config, 62, 100), 0.2 + 0.8 * 0.86448, 1e-4);
}

TEST(ScheduleTest, UnknownDecayIsNamed) {
  EXPECT_ERROR(learning_rate_factor({.decay = "step"}, 1, 10), ErrorCode::kConfig, "got 'step'");
}

}  // namespace
}  // namespace mw::train
