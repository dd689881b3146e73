// SPDX-License-Identifier: Apache-2.0
#include "mw/models/prior/motion_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace mw::prior {
namespace {

action::Action pressed(std::initializer_list<action::Key> keys, float pitch = 0, float yaw = 0) {
  action::Action action;
  for (const action::Key key : keys) action.keys[static_cast<size_t>(key)] = 1;
  action.pitch = pitch;
  action.yaw = yaw;
  return action;
}

using action::Key;

TEST(MotionModelTest, TurnsByTheMouseExactly) {
  const MotionModel model({});
  Motion motion;
  motion.yaw = 350;
  for (int i = 0; i < 10; ++i) motion = model.next(motion, pressed({}, -1.5F, 2.25F));
  EXPECT_DOUBLE_EQ(motion.yaw, 350 + 22.5);
  EXPECT_DOUBLE_EQ(motion.pitch, -15);
  EXPECT_EQ(motion.position, (std::array<double, 3>{}));
}

// Steps over the ground that were recorded in the game at the start and the end of a walk.
TEST(MotionModelTest, SpeedsUpAndSlowsDownAsRecorded) {
  const MotionModel model({});
  Motion motion;
  const auto step = [&](const action::Action& action) {
    const double before = motion.position[2];
    motion = model.next(motion, action);
    return motion.position[2] - before;
  };
  const action::Action jump = pressed({Key::kW, Key::kSpace});
  for (const double recorded : {0.039, 0.118, 0.196, 0.245})
    EXPECT_NEAR(step(jump), recorded, 0.02);
  motion = {};
  for (int i = 0; i < 20; ++i) motion = model.next(motion, pressed({Key::kW, Key::kCtrl}));
  for (const double recorded : {0.319, 0.207, 0.089, 0.004}) {
    EXPECT_NEAR(step(pressed({})), recorded, 0.02);
  }
}

TEST(MotionModelTest, JumpsAsRecordedAndLands) {
  const MotionModel model({});
  Motion motion;
  motion = model.next(motion, pressed({Key::kSpace}));
  EXPECT_NEAR(motion.position[1], 0.359, 0.003);
  double before = motion.position[1];
  for (const double recorded : {0.282, 0.206, 0.129, 0.052, -0.019, -0.094, -0.170, -0.247}) {
    motion = model.next(motion, pressed({}));
    EXPECT_NEAR(motion.position[1] - before, recorded, 0.01);
    before = motion.position[1];
  }
  for (int i = 0; i < 5; ++i) motion = model.next(motion, pressed({}));
  EXPECT_DOUBLE_EQ(motion.position[1], 0);
  EXPECT_DOUBLE_EQ(motion.velocity[1], 0);
}

TEST(MotionModelTest, KeysMoveAlongTheYawAndDiagonalsAreNoFaster) {
  const MotionModel model({});
  struct Case {
    std::vector<Key> keys;
    double direction;  // Degrees to the right of the yaw.
    double speed;      // Nodes per second.
  };
  for (const Case& c :
       {Case{{Key::kW}, 0, 4}, Case{{Key::kS}, 180, 4}, Case{{Key::kD}, 90, 4},
        Case{{Key::kA}, -90, 4}, Case{{Key::kW, Key::kD}, 45, 4}, Case{{Key::kW, Key::kCtrl}, 0, 6},
        Case{{Key::kA, Key::kShift}, -90, 1.35}, Case{{Key::kW, Key::kS}, 0, 0}}) {
    action::Action action;
    for (const Key key : c.keys) action.keys[static_cast<size_t>(key)] = 1;
    Motion motion;
    motion.yaw = 30;
    for (int i = 0; i < 20; ++i) motion = model.next(motion, action);
    const double angle = (30 + c.direction) * std::numbers::pi / 180;
    EXPECT_NEAR(motion.velocity[0], c.speed * std::sin(angle), 1e-9);
    EXPECT_NEAR(motion.velocity[2], c.speed * std::cos(angle), 1e-9);
  }
}

}  // namespace
}  // namespace mw::prior
