// SPDX-License-Identifier: Apache-2.0
#include "mw/eval/control_tally.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <vector>

#include "mw/eval/image_shift.h"
#include "tests/support/expect_error.h"

namespace mw::eval {
namespace {

constexpr int kWidth = 176, kHeight = 96;
constexpr double kFocal = 66.07;

/// A smooth pattern without period, sampled where `source` says for each pixel.
video::Image picture(const std::function<Shift(double x, double y)>& source) {
  video::Image image = video::make_image(kWidth, kHeight);
  size_t i = 0;
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const Shift at = source(x, y);
      double value = 0;
      for (int wave = 1; wave <= 40; ++wave) {
        const double angle = 2.399963 * wave, frequency = 0.05 + 0.013 * wave;
        value += std::sin(frequency * (std::cos(angle) * at.x + std::sin(angle) * at.y) + wave);
      }
      const auto byte = static_cast<uint8_t>(std::clamp(128 + 12 * value, 0.0, 255.0));
      for (int c = 0; c < 3; ++c) image.rgb[i++] = byte;
    }
  }
  return image;
}

video::Image moved(double dx, double dy) {
  return picture([=](double x, double y) { return Shift{x - dx, y - dy}; });
}

TEST(ImageShiftTest, FindsShiftsToAFractionOfAPixel) {
  const video::Image before = moved(0, 0);
  for (const Shift shift : {Shift{5, 0}, Shift{-3, 2}, Shift{0, -7}, Shift{2.4, 1.6}}) {
    const Shift found = image_shift(before, moved(shift.x, shift.y), whole(before));
    // Between pixels the parabola leans towards the nearer one.
    EXPECT_NEAR(found.x, shift.x, 0.3);
    EXPECT_NEAR(found.y, shift.y, 0.3);
  }
}

TEST(ImageShiftTest, EqualPicturesDoNotMove) {
  const video::Image before = moved(0, 0);
  const Shift found = image_shift(before, before, whole(before));
  EXPECT_NEAR(found.x, 0, 1e-3);
  EXPECT_NEAR(found.y, 0, 1e-3);
}

TEST(ImageShiftTest, RegionsOutsideAreRefused) {
  const video::Image before = moved(0, 0);
  EXPECT_ERROR(image_shift(before, before, {170, 0, 20, 20}), ErrorCode::kInvalidArgument,
               "region");
}

/// Frames that turn as the actions say, `share` of the way.
std::vector<video::Image> turned(const std::vector<action::Action>& actions, double share) {
  std::vector<video::Image> frames;
  double x = 0, y = 0;
  for (const action::Action& action : actions) {
    const double degree = std::numbers::pi / 180;
    x -= share * kFocal * std::tan(action.yaw * degree);
    y -= share * kFocal * std::tan(action.pitch * degree);
    frames.push_back(moved(x, y));
  }
  return frames;
}

std::vector<action::Action> looking_around() {
  std::vector<action::Action> actions(9);
  for (size_t k = 1; k < 3; ++k) actions[k].yaw = 3;
  for (size_t k = 3; k < 5; ++k) actions[k].yaw = -3;
  for (size_t k = 5; k < 7; ++k) actions[k].pitch = 2;
  for (size_t k = 7; k < 9; ++k) actions[k].pitch = -2;
  return actions;
}

TEST(ControlTallyTest, TurnsThatObeyAreCountedAndMeasured) {
  const std::vector<action::Action> actions = looking_around();
  ControlTally tally(kFocal);
  tally.add(turned(actions, 0.8), actions);
  for (const char* name : {"left", "right", "up", "down"}) {
    ASSERT_EQ(tally.by_action().count(name), 1U) << name;
    EXPECT_EQ(tally.by_action().at(name).pairs, 2) << name;
    EXPECT_EQ(tally.by_action().at(name).obeyed, 2) << name;
  }
  EXPECT_EQ(tally.turns().pairs, 8);
  EXPECT_NEAR(tally.turns().median_ratio(), 0.8, 0.08);
}

TEST(ControlTallyTest, TurnsTheOtherWayAndStillPicturesDisobey) {
  const std::vector<action::Action> actions = looking_around();
  ControlTally backwards(kFocal), still(kFocal);
  backwards.add(turned(actions, -1), actions);
  still.add(turned(actions, 0), actions);
  EXPECT_EQ(backwards.turns().share(), 0);
  EXPECT_EQ(still.turns().share(), 0);
}

/// Expanding about the centre, `speed` per frame.
std::vector<video::Image> zooming(size_t count, double speed) {
  std::vector<video::Image> frames;
  for (size_t k = 0; k < count; ++k) {
    const double scale = std::exp(-speed * static_cast<double>(k));
    frames.push_back(picture([=](double x, double y) {
      return Shift{(x - kWidth / 2.0) * scale, (y - kHeight / 2.0) * scale};
    }));
  }
  return frames;
}

TEST(ControlTallyTest, WalkingForwardsExpandsThePicture) {
  std::vector<action::Action> forwards(8), backwards(8);
  for (size_t k = 1; k < 8; ++k) forwards[k].keys[0] = backwards[k].keys[1] = 1;
  ControlTally obeyed(kFocal), disobeyed(kFocal), contracting(kFocal);
  obeyed.add(zooming(8, 0.02), forwards);
  disobeyed.add(zooming(8, 0.02), backwards);
  contracting.add(zooming(8, -0.02), backwards);
  // Frames 4 to 7 have four rows of the key behind them.
  EXPECT_EQ(obeyed.by_action().at("w").pairs, 4);
  EXPECT_EQ(obeyed.by_action().at("w").share(), 1);
  EXPECT_EQ(disobeyed.by_action().at("s").share(), 0);
  EXPECT_EQ(contracting.by_action().at("s").share(), 1);
}

TEST(ControlTallyTest, SteppingAsideMovesTheNearHalf) {
  std::vector<action::Action> right(6);
  for (size_t k = 1; k < 6; ++k) right[k].keys[3] = 1;
  std::vector<video::Image> frames;
  for (size_t k = 0; k < 6; ++k) {
    const double step = 1.5 * static_cast<double>(k);
    frames.push_back(picture([=](double x, double y) {
      return Shift{y < kHeight / 2.0 ? x : x + step, y};
    }));
  }
  ControlTally tally(kFocal);
  tally.add(frames, right);
  EXPECT_EQ(tally.by_action().at("d").pairs, 2);
  EXPECT_EQ(tally.by_action().at("d").share(), 1);
}

TEST(ControlTallyTest, MixedActionsAreNotCounted) {
  std::vector<action::Action> actions(6);
  for (size_t k = 1; k < 6; ++k) {
    actions[k].keys[0] = 1;
    actions[k].yaw = 3;
  }
  ControlTally tally(kFocal);
  tally.add(turned(actions, 1), actions);
  EXPECT_TRUE(tally.by_action().empty());
}

}  // namespace
}  // namespace mw::eval
