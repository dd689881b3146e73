// SPDX-License-Identifier: Apache-2.0
#include "mw/action/action_track.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/expect_error.h"

namespace mw::action {
namespace {

/// Row k presses W and turns by k degrees.
ActionTrack counting_track(int num_frames) {
  std::vector<Action> rows(1);
  for (int i = 1; i < num_frames; ++i) {
    rows.push_back({.keys = {1}, .pitch = 0, .yaw = static_cast<float>(i)});
  }
  return ActionTrack(rows);
}

TEST(ActionSpaceTest, KeysHaveTheOrderOfTheVector) {
  EXPECT_EQ(key_index("w"), 0);
  EXPECT_EQ(key_index("S"), 1);
  EXPECT_EQ(key_index("Space"), static_cast<int>(Key::kSpace));
  EXPECT_EQ(key_index("ctrl"), 6);
  EXPECT_FALSE(key_index("sp").has_value());
  EXPECT_FALSE(key_index("").has_value());
}

TEST(ActionTrackTest, ResizingCutsOrAddsStillRows) {
  const ActionTrack track = counting_track(5);
  EXPECT_EQ(track.resized(5), track);
  EXPECT_EQ(track.resized(3), counting_track(3));
  const ActionTrack longer = track.resized(7);
  EXPECT_EQ(longer.num_frames(), 7);
  EXPECT_EQ(longer.rows()[4], track.rows()[4]);
  EXPECT_EQ(longer.rows()[5], Action());
  EXPECT_ERROR(track.resized(0), ErrorCode::kInvalidArgument, "got 0");
  EXPECT_ERROR(track.resized(kMaxRows + 1), ErrorCode::kInvalidArgument, "got 1000001");
}

TEST(ActionTrackTest, WindowsBeginStill) {
  const ActionTrack window = counting_track(9).window(3, 4);
  EXPECT_EQ(window.num_frames(), 4);
  EXPECT_EQ(window.rows()[0], Action());
  EXPECT_EQ(window.rows()[1].yaw, 4);
  EXPECT_EQ(window.rows()[3].yaw, 6);
  EXPECT_EQ(counting_track(9).window(0, 9), counting_track(9));
  EXPECT_ERROR(counting_track(9).window(6, 4), ErrorCode::kInvalidArgument, "6 to 10");
  EXPECT_ERROR(counting_track(9).window(-1, 4), ErrorCode::kInvalidArgument, "-1");
}

TEST(ActionTrackTest, ModelsGetRowsOfSevenAndTwo) {
  const ActionTrack track({Action(), {.keys = {0, 1, 0, 0, 0, 0, 1}, .pitch = -1, .yaw = 2}});
  EXPECT_EQ(track.keyboard(), (std::vector<float>{0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}));
  EXPECT_EQ(track.mouse(), (std::vector<float>{0, 0, -1, 2}));
}

TEST(ActionTrackTest, RowsAreChecked) {
  const auto track_of = [](const Action& last) {
    return ActionTrack(std::vector<Action>{Action(), last});
  };
  EXPECT_ERROR(ActionTrack(std::vector<Action>()), ErrorCode::kFormat, "found 0");
  EXPECT_ERROR(ActionTrack(std::vector<Action>(kMaxRows + 1)), ErrorCode::kFormat, "1000001");
  EXPECT_ERROR(ActionTrack(std::vector<Action>{{.keys = {1}}}), ErrorCode::kFormat,
               "row 0: must have no key");
  EXPECT_ERROR(track_of({.keys = {0, 2}}), ErrorCode::kFormat, "row 1: key s must be 0 or 1");
  EXPECT_ERROR(track_of({.pitch = 180.5f}), ErrorCode::kFormat, "row 1: pitch must be");
  EXPECT_ERROR(track_of({.yaw = -std::numeric_limits<float>::infinity()}), ErrorCode::kFormat,
               "row 1: yaw must be");
  EXPECT_ERROR(track_of({.yaw = std::numeric_limits<float>::quiet_NaN()}), ErrorCode::kFormat,
               "row 1: yaw must be -180 to 180 degrees per frame, found nan");
}

}  // namespace
}  // namespace mw::action
