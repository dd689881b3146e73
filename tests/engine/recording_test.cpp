// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/recording.h"

#include <gtest/gtest.h>

#include "tests/support/expect_error.h"
#include "tests/support/pictures.h"

namespace mw::engine {
namespace {

Recording sample() {
  Recording recording;
  recording.model = "overworld";
  recording.dtype = "bf16";
  recording.start.image = test::smooth_picture(48, 32, 0);
  recording.start.caption = "a \"hill\"";
  recording.start.seed = 18446744073709551615U;
  recording.start.pitch = -3.5;
  action::Action turn;
  turn.keys[0] = 1;
  turn.yaw = 2.25;
  recording.start.recorded = {{.action = turn, .image = test::smooth_picture(48, 32, 1)},
                              {.action = {}, .image = test::smooth_picture(48, 32, 2)}};
  recording.actions = action::ActionTrack({{}, turn, {}});
  return recording;
}

TEST(RecordingTest, IsReadAsItWasWritten) {
  const Recording wanted = sample();
  const Recording read = parse_recording(to_json_lines(wanted));
  EXPECT_EQ(read.model, wanted.model);
  EXPECT_EQ(read.dtype, wanted.dtype);
  EXPECT_EQ(read.start.image, wanted.start.image);
  EXPECT_EQ(read.start.caption, wanted.start.caption);
  EXPECT_EQ(read.start.seed, wanted.start.seed);
  EXPECT_EQ(read.start.pitch, wanted.start.pitch);
  EXPECT_EQ(read.actions, wanted.actions);
  ASSERT_EQ(read.start.recorded.size(), 2U);
  for (size_t k = 0; k < 2; ++k) {
    EXPECT_EQ(read.start.recorded[k].action, wanted.start.recorded[k].action);
    EXPECT_EQ(read.start.recorded[k].image, wanted.start.recorded[k].image);
  }
}

TEST(RecordingTest, WhatIsNoneIsRefused) {
  EXPECT_ERROR(parse_recording("{}"), ErrorCode::kFormat, "line 1");
  EXPECT_ERROR(parse_recording("{\"session\":2}"), ErrorCode::kFormat, "session must be 1");
  Recording recording = sample();
  recording.start.image.reset();  // Frames that follow nothing.
  EXPECT_ERROR(parse_recording(to_json_lines(recording)), ErrorCode::kFormat, "recorded");
  recording = sample();
  recording.start.recorded.resize(kMostRecordedFrames + 1, recording.start.recorded.front());
  EXPECT_ERROR(parse_recording(to_json_lines(recording)), ErrorCode::kFormat, "recorded");
}

}  // namespace
}  // namespace mw::engine
