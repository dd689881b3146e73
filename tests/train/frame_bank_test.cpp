// SPDX-License-Identifier: Apache-2.0
#include "mw/train/frame_bank.h"

#include <gtest/gtest.h>

#include <set>

#include "mw/data/dataset_writer.h"
#include "tests/support/pictures.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"

namespace mw::train {
namespace {

constexpr int kWidth = 48, kHeight = 32;

/// Six clips of 7 frames; the corner of each depth map names its clip and frame: 10 * clip + frame.
void write_clips(const std::filesystem::path& folder, bool has_depth) {
  const data::DatasetWriter writer(
      folder, {.name = "waves", .width = kWidth, .height = kHeight, .license = "", .made_by = {}});
  data::Splits splits;
  for (int c = 0; c < 6; ++c) {
    data::NewClip clip{
        .id = "clip" + std::to_string(c), .frames = {}, .rows = {}, .caption = "", .depth = {}};
    data::Depth depth{7, kHeight / 4, kWidth / 4, {}};
    depth.inverse.resize(7 * (kHeight / 4) * (kWidth / 4));
    for (int f = 0; f < 7; ++f) {
      clip.frames.push_back(test::smooth_picture(kWidth, kHeight, c + 0.1 * f));
      clip.rows.emplace_back();
      depth.inverse[static_cast<size_t>(f) * (kHeight / 4) * (kWidth / 4)] =
          static_cast<uint8_t>(10 * c + f);
    }
    if (has_depth) clip.depth = depth;
    splits["train"].push_back(clip.id);
    writer.write_clip(clip);
  }
  writer.write_splits(splits);
}

TEST(FrameBankTest, HoldsEveryNthFrameOfEveryClip) {
  const test::ScratchFolder folder;
  write_clips(folder.path(), true);
  const FrameBank bank = FrameBank::read(folder.path(), "train", 3, 1000, 1);
  ASSERT_EQ(bank.frames.sizes(), (std::vector<int64_t>{18, 3, kHeight, kWidth}));
  ASSERT_EQ(bank.depth.sizes(), (std::vector<int64_t>{18, kHeight / 4, kWidth / 4}));
  std::set<int64_t> seen;
  for (int64_t i = 0; i < bank.size(); ++i) {
    const int64_t key = bank.depth[i][0][0].item<int64_t>();
    EXPECT_EQ(key % 10 % 3, 0);
    seen.insert(key);
    // The frame beside it is the same moment, up to what the codec changed.
    const auto picture =
        test::smooth_picture(kWidth, kHeight, static_cast<double>(key / 10) + 0.1 * (key % 10));
    const int64_t x = 20, y = 9;
    for (int64_t channel = 0; channel < 3; ++channel) {
      EXPECT_NEAR(bank.frames[i][channel][y][x].item<int64_t>(),
                  picture.rgb[static_cast<size_t>((y * kWidth + x) * 3 + channel)], 12);
    }
  }
  EXPECT_EQ(seen.size(), 18u);
}

TEST(FrameBankTest, LimitKeepsWholeClipsFromASeededOrder) {
  const test::ScratchFolder folder;
  write_clips(folder.path(), true);
  const auto clips_of = [&](uint64_t seed) {
    const FrameBank bank = FrameBank::read(folder.path(), "train", 1, 10, seed);
    EXPECT_EQ(bank.size(), 10);
    std::vector<int64_t> keys;
    for (int64_t i = 0; i < bank.size(); ++i) {
      keys.push_back(bank.depth[i][0][0].item<int64_t>());
    }
    return keys;
  };
  EXPECT_EQ(clips_of(1), clips_of(1));
  EXPECT_NE(clips_of(1), clips_of(2));
}

TEST(FrameBankTest, DepthIsOptionalAndSplitsAreNamed) {
  const test::ScratchFolder folder;
  write_clips(folder.path(), false);
  EXPECT_FALSE(FrameBank::read(folder.path(), "train", 1, 100, 1).depth.defined());
  EXPECT_ERROR(FrameBank::read(folder.path(), "val", 1, 100, 1), ErrorCode::kInvalidArgument,
               "'val'");
}

}  // namespace
}  // namespace mw::train
