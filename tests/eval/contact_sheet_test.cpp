// SPDX-License-Identifier: Apache-2.0
#include "mw/eval/contact_sheet.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/support/expect_error.h"

namespace mw::eval {
namespace {

video::Image plain(uint8_t level) {
  video::Image image = video::make_image(3, 2);
  std::ranges::fill(image.rgb, level);
  return image;
}

uint8_t level_at(const video::Image& image, int x, int y) {
  return image.rgb[static_cast<size_t>(3 * (y * image.width + x))];
}

TEST(ContactSheetTest, TilesLieInRowsWithWhiteBetween) {
  const video::Image sheet = tile({{plain(1), plain(2)}, {plain(3), plain(4)}}, 5);
  ASSERT_EQ(sheet.width, 3 + 5 + 3);
  ASSERT_EQ(sheet.height, 2 + 5 + 2);
  EXPECT_EQ(level_at(sheet, 0, 0), 1);
  EXPECT_EQ(level_at(sheet, 2, 1), 1);
  EXPECT_EQ(level_at(sheet, 3, 1), 255);
  EXPECT_EQ(level_at(sheet, 8, 0), 2);
  EXPECT_EQ(level_at(sheet, 0, 2), 255);
  EXPECT_EQ(level_at(sheet, 2, 7), 3);
  EXPECT_EQ(level_at(sheet, 10, 8), 4);
  EXPECT_ERROR(tile({{plain(1), plain(2)}, {plain(3)}}, 5), ErrorCode::kInvalidArgument,
               "different lengths");
}

TEST(ContactSheetTest, RowsAreSpreadStartsAndColumnsPairsAtFiveMoments) {
  // Twelve recordings of frames 0 to 8; their plays are 100 lighter.
  std::vector<std::vector<video::Image>> recorded(12), played(12);
  for (size_t i = 0; i < 12; ++i) {
    for (size_t k = 0; k <= 8; ++k) {
      recorded[i].push_back(plain(static_cast<uint8_t>(8 * i + k)));
      played[i].push_back(plain(static_cast<uint8_t>(100 + 8 * i + k)));
    }
  }
  const video::Image sheet = contact_sheet(recorded, played);
  ASSERT_EQ(sheet.width, 5 * (3 + 2 + 3) + 4 * 8);
  ASSERT_EQ(sheet.height, 6 * 2 + 5 * 8);
  for (int row = 0; row < 6; ++row) {
    for (int moment = 0; moment <= 4; ++moment) {
      const int x = moment * 16, y = row * 10, level = 8 * 2 * row + 2 * moment;
      EXPECT_EQ(level_at(sheet, x, y), level);
      EXPECT_EQ(level_at(sheet, x + 5, y), 100 + level);
    }
  }
  recorded.resize(1);
  played.resize(1);
  EXPECT_EQ(contact_sheet(recorded, played).height, 2);
  played[0].pop_back();
  EXPECT_ERROR(contact_sheet(recorded, played), ErrorCode::kInvalidArgument,
               "as many played as recorded");
}

}  // namespace
}  // namespace mw::eval
