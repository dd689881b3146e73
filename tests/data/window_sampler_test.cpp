// SPDX-License-Identifier: Apache-2.0
#include "mw/data/window_sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/support/expect_error.h"

namespace mw::data {
namespace {

std::vector<Window> sequence(const WindowSampler& sampler, int64_t first, int64_t count) {
  std::vector<Window> windows;
  for (int64_t k = first; k < first + count; ++k) windows.push_back(sampler.at(k));
  return windows;
}

TEST(PermutedTest, IsAPermutationOfEverySize) {
  for (uint64_t size = 1; size < 300; ++size) {
    std::set<uint64_t> places;
    for (uint64_t i = 0; i < size; ++i) places.insert(permuted(i, size, size * 31));
    EXPECT_EQ(places.size(), size);
    EXPECT_EQ(*places.rbegin(), size - 1);
  }
}

TEST(WindowSamplerTest, EachEpochHasEveryWindowOnce) {
  const std::vector<int64_t> clips = {81, 3, 16, 0, 40};
  const WindowSampler sampler(clips, 16, 5);
  ASSERT_EQ(sampler.num_windows(), 66 + 0 + 1 + 0 + 25);
  std::vector<Window> all;
  for (int64_t clip = 0; clip < 5; ++clip) {
    for (int64_t first = 0; first + 16 <= clips[static_cast<size_t>(clip)]; ++first) {
      all.push_back({clip, first});
    }
  }
  std::vector<Window> earlier;
  for (int64_t epoch = 0; epoch < 4; ++epoch) {
    const std::vector<Window> order = sequence(sampler, epoch * 92, 92);
    EXPECT_NE(order, earlier);  // Another order each time.
    earlier = order;
    std::vector<Window> sorted = order;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(sorted, all);
  }
}

TEST(WindowSamplerTest, AnyNumberOfWorkersSharesOneMultiset) {
  const WindowSampler sampler({81, 81, 50}, 8, 11);
  const int64_t count = 300;
  std::vector<Window> wanted = sequence(sampler, 0, count);
  std::sort(wanted.begin(), wanted.end());
  for (const int64_t num_workers : {1, 2, 3, 7}) {
    std::vector<Window> found;
    for (int64_t worker = 0; worker < num_workers; ++worker) {
      for (int64_t k = worker; k < count; k += num_workers) found.push_back(sampler.at(k));
    }
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, wanted) << num_workers;
  }
}

TEST(WindowSamplerTest, SeedsGiveTheirOwnOrder) {
  const std::vector<int64_t> clips(20, 81);
  EXPECT_EQ(sequence({clips, 16, 1}, 0, 50), sequence({clips, 16, 1}, 0, 50));
  EXPECT_NE(sequence({clips, 16, 1}, 0, 50), sequence({clips, 16, 2}, 0, 50));
}

TEST(WindowSamplerTest, WindowsAreSpreadEvenlyFromTheStart) {
  // 100 equal clips, the first 2000 of 6600 windows: about 20 a clip, deviation about 4.
  const WindowSampler sampler(std::vector<int64_t>(100, 81), 16, 3);
  std::vector<int> count(100);
  for (const Window& window : sequence(sampler, 0, 2000)) {
    ++count[static_cast<size_t>(window.clip_index)];
  }
  EXPECT_GT(*std::min_element(count.begin(), count.end()), 4);
  EXPECT_LT(*std::max_element(count.begin(), count.end()), 40);
}

TEST(WindowSamplerTest, WhatCannotBeSampledIsNamed) {
  EXPECT_ERROR(WindowSampler({8, 9}, 16, 0), ErrorCode::kInvalidArgument,
               "no clip of 2 has a window of 16 frames");
  EXPECT_ERROR(WindowSampler({}, 16, 0), ErrorCode::kInvalidArgument, "no clip of 0");
  EXPECT_ERROR(WindowSampler({8}, 0, 0), ErrorCode::kInvalidArgument, "at least 1 frame");
  EXPECT_ERROR(WindowSampler({8}, 8, 0).at(-1), ErrorCode::kInvalidArgument, "negative");
}

}  // namespace
}  // namespace mw::data
