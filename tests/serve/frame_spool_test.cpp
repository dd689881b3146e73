// SPDX-License-Identifier: Apache-2.0
#include "mw/serve/frame_spool.h"

#include <gtest/gtest.h>

#include <random>

namespace mw::serve {
namespace {

std::vector<std::byte> bytes_of(uint32_t number, size_t size) {
  std::vector<std::byte> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(number * 31 + i);
  return bytes;
}

TEST(FrameSpoolTest, TheNewestFramesAreKeptWhateverTheirSizes) {
  constexpr size_t kMostBytes = 10000;
  std::mt19937 random(5);
  FrameSpool spool(kMostBytes);
  std::vector<size_t> sizes;
  for (uint32_t number = 0; number < 2000; ++number) {
    sizes.push_back(1 + random() % 1500);
    spool.append(number, bytes_of(number, sizes.back()));
    // What is kept is a run up to the newest, as long as it can be but for one hole at the end.
    const auto oldest = spool.next(0);
    ASSERT_TRUE(oldest);
    size_t total = 0;
    for (uint32_t kept = oldest->number; kept <= number; ++kept) {
      const auto frame = spool.next(kept);
      ASSERT_TRUE(frame);
      ASSERT_EQ(frame->number, kept);
      ASSERT_EQ(frame->jpeg, bytes_of(kept, sizes[kept])) << kept << " of " << number;
      total += frame->jpeg.size();
    }
    ASSERT_LE(total, kMostBytes);
    ASSERT_TRUE(oldest->number == 0 || total > kMostBytes - 2 * 1500 - 1);
    ASSERT_EQ(spool.count(0, number), number - oldest->number + 1);
  }
  EXPECT_FALSE(spool.next(2000));
}

TEST(FrameSpoolTest, AFrameThatNeverFitsIsLeftOut) {
  FrameSpool spool(100);
  spool.append(1, bytes_of(1, 60));
  spool.append(2, bytes_of(2, 101));
  EXPECT_EQ(spool.count(0, 10), 1U);
  spool.append(3, bytes_of(3, 100));
  EXPECT_EQ(spool.next(0)->number, 3U);
  EXPECT_EQ(FrameSpool(10).count(0, 10), 0U);
}

}  // namespace
}  // namespace mw::serve
