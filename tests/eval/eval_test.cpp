// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "mw/data/dataset_writer.h"
#include "mw/eval/held_out.h"
#include "mw/eval/picture_measures.h"
#include "tests/support/expect_error.h"
#include "tests/support/pictures.h"
#include "tests/support/scratch_folder.h"

namespace mw::eval {
namespace {

constexpr int kWidth = 176, kHeight = 96;

/// The part of a large noise picture that a camera at (x, y) sees.
video::Image view_at(int x, int y) {
  static const video::Image wide = test::noise_picture(kWidth + 64, kHeight + 64, 7);
  video::Image view = video::make_image(kWidth, kHeight);
  for (int row = 0; row < kHeight; ++row) {
    for (int i = 0; i < kWidth * 3; ++i) {
      view.rgb[static_cast<size_t>(row * kWidth * 3 + i)] =
          wide.rgb[static_cast<size_t>(((row + y) * wide.width + x) * 3 + i)];
    }
  }
  return view;
}

TEST(PictureShiftTest, FindsWhereContentWent) {
  // The camera goes right and down, so content goes left and up.
  const Shift shift = picture_shift(view_at(20, 20), view_at(27, 23));
  EXPECT_NEAR(shift.x, -7, 0.5);
  EXPECT_NEAR(shift.y, -3, 0.5);
  const Shift none = picture_shift(view_at(5, 5), view_at(5, 5));
  EXPECT_EQ(none.x, 0);
  EXPECT_EQ(none.y, 0);
  EXPECT_ERROR(picture_shift(view_at(0, 0), test::noise_picture(8, 8, 1)),
               ErrorCode::kInvalidArgument, "176x96 and 8x8");
}

/// A recording of a camera that turns right by 3 degrees (3.46 pixels) a frame, rounded to 3.
HeldOutStart turning_start() {
  HeldOutStart start{.id = "turn", .pitch = 0, .frames = {view_at(10, 10)}, .actions = {{}}};
  for (int f = 1; f <= 5; ++f) {
    start.frames.push_back(view_at(10 + 3 * f, 10));
    start.actions.push_back({.keys = {}, .pitch = 0, .yaw = 3});
  }
  return start;
}

TEST(HeldOutTest, RecordingObeysAndRepetitionDoesNot) {
  const std::vector<HeldOutStart> starts = {turning_start()};
  int64_t heard = 0;
  const HeldOutScores ceiling = score_held_out(starts, recording(), [&](int64_t n) { heard = n; });
  EXPECT_EQ(heard, 1);
  EXPECT_EQ(ceiling.num_frames, 5);
  EXPECT_DOUBLE_EQ(ceiling.psnr, 35);
  EXPECT_NEAR(ceiling.ssim, 1, 1e-9);
  EXPECT_EQ(ceiling.yaw.num_pairs, 5);
  EXPECT_DOUBLE_EQ(ceiling.yaw.share(), 1);
  EXPECT_NEAR(ceiling.turn_ratio, 3 / 3.46, 0.15);
  EXPECT_EQ(ceiling.pitch.num_pairs, 0);

  const RollOut repeat = [](const HeldOutStart& start) {
    return std::vector<video::Image>(start.frames.size(), start.frames[0]);
  };
  const HeldOutScores floor = score_held_out(starts, repeat, [](int64_t) {});
  EXPECT_DOUBLE_EQ(floor.yaw.share(), 0);  // No motion is not obedience.
  EXPECT_LT(floor.psnr, 12);
  EXPECT_EQ(floor.psnr_by_frame.size(), 5u);
}

TEST(HeldOutTest, ShufflingTakesTheNextStartsActions) {
  HeldOutStart other = turning_start();
  other.id = "other";
  for (auto& action : other.actions) action.yaw = -action.yaw;
  const std::vector<HeldOutStart> starts = {turning_start(), other};
  const RollOut obeys = [](const HeldOutStart& start) {  // Turns as it is told.
    std::vector<video::Image> frames;
    int x = 30;
    for (const auto& action : start.actions)
      frames.push_back(view_at(x += static_cast<int>(action.yaw), 10));
    return frames;
  };
  EXPECT_DOUBLE_EQ(score_held_out(starts, obeys, [](int64_t) {}).yaw.share(), 1);
  EXPECT_DOUBLE_EQ(score_held_out(starts, shuffled(starts, obeys), [](int64_t) {}).yaw.share(), 0);
}

TEST(HeldOutTest, StartsComeFromClipsThatAreLongEnough) {
  const test::ScratchFolder folder;
  const data::DatasetWriter writer(
      folder.path(),
      {.name = "turns", .width = kWidth, .height = kHeight, .license = "", .made_by = {}});
  const auto write = [&](const std::string& id, int frames) {
    data::NewClip clip{.id = id, .frames = {}, .rows = {}, .caption = "", .depth = {}};
    for (int f = 0; f < frames; ++f) {
      clip.frames.push_back(test::smooth_picture(kWidth, kHeight, 0.1 * f));
      data::FrameRow row;
      row.pitch = 5;
      if (f > 0) row.action.yaw = static_cast<float>(f);
      clip.rows.push_back(row);
    }
    writer.write_clip(clip);
  };
  write("short", 4);
  write("long", 8);
  writer.write_splits({{"val", {"long", "short"}}});
  const data::Dataset dataset(folder.path());
  const auto starts = held_out_starts(dataset, "val", 10, 6);
  ASSERT_EQ(starts.size(), 1u);
  EXPECT_EQ(starts[0].id, "long");
  EXPECT_EQ(starts[0].frames.size(), 7u);
  EXPECT_EQ(starts[0].pitch, 5);
  EXPECT_EQ(starts[0].actions[6].yaw, 6);
  EXPECT_ERROR(held_out_starts(dataset, "val", 10, 8), ErrorCode::kInvalidArgument,
               "more than 8 frames");
}

}  // namespace
}  // namespace mw::eval
