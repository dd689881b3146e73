// SPDX-License-Identifier: Apache-2.0
#include "mw/train/frame_bank.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/pictures.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"
#include "tests/support/tiny_dataset.h"

namespace mw::train {
namespace {

TEST(FrameBankTest, HoldsEveryNthFrameOfEveryClip) {
  const test::ScratchFolder folder;
  test::write_tiny_dataset(folder.path());
  const FrameBank bank = FrameBank::read(folder.path(), "train", 3, 1000, 1);
  ASSERT_EQ(bank.frames.sizes(),
            (std::vector<int64_t>{18, 3, test::kTinyHeight, test::kTinyWidth}));
  ASSERT_EQ(bank.depth.sizes(),
            (std::vector<int64_t>{18, test::kTinyHeight / 4, test::kTinyWidth / 4}));
  std::set<int64_t> seen;
  for (int64_t i = 0; i < bank.size(); ++i) {
    const int64_t key = bank.depth[i][0][0].item<int64_t>();
    EXPECT_EQ(key % 10 % 3, 0);
    seen.insert(key);
    // The frame beside it is the same moment, up to what the codec changed.
    const auto picture = test::smooth_picture(test::kTinyWidth, test::kTinyHeight,
                                              static_cast<double>(key / 10) + 0.1 * (key % 10));
    const int64_t x = 20, y = 9;
    for (int64_t channel = 0; channel < 3; ++channel) {
      EXPECT_NEAR(bank.frames[i][channel][y][x].item<int64_t>(),
                  picture.rgb[static_cast<size_t>((y * test::kTinyWidth + x) * 3 + channel)], 12);
    }
  }
  EXPECT_EQ(seen.size(), 18u);
}

TEST(FrameBankTest, LimitKeepsWholeClipsFromASeededOrder) {
  const test::ScratchFolder folder;
  test::write_tiny_dataset(folder.path());
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
  test::write_tiny_dataset(folder.path(), false);
  EXPECT_FALSE(FrameBank::read(folder.path(), "train", 1, 100, 1).depth.defined());
  EXPECT_ERROR(FrameBank::read(folder.path(), "test", 1, 100, 1), ErrorCode::kInvalidArgument,
               "'test'");
}

}  // namespace
}  // namespace mw::train
