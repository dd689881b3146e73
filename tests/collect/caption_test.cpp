// SPDX-License-Identifier: Apache-2.0
#include "mw/collect/caption.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/support/expect_error.h"

namespace mw::collect {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

std::vector<data::FrameRow> rows(const action::Action& action, const std::string& biome,
                                 double time_of_day) {
  data::FrameRow row;
  row.action = action;
  row.biome = biome;
  row.time_of_day = time_of_day;
  std::vector<data::FrameRow> result(81, row);
  result.front().action = {};
  return result;
}

TEST(CaptionTest, NamesLandLightAndMotion) {
  action::Action walk;
  walk.keys[0] = 1;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const std::string text = make_caption(rows(walk, "desert", 0.25), seed);
    EXPECT_THAT(text, HasSubstr("desert"));
    EXPECT_THAT(text, AnyOf(HasSubstr("morning"), HasSubstr("dawn")));
    EXPECT_THAT(text, AnyOf(HasSubstr("alking"), HasSubstr("oving")));
    EXPECT_EQ(text.back(), '.');
    EXPECT_EQ(text.find('\n'), std::string::npos);
  }
}

TEST(CaptionTest, TellsTheSideOfATurn) {
  action::Action turn;
  turn.yaw = 3;
  EXPECT_THAT(make_caption(rows(turn, "savanna", 0.5), 1), HasSubstr("right"));
  turn.yaw = -3;
  EXPECT_THAT(make_caption(rows(turn, "savanna", 0.5), 1), HasSubstr("left"));
}

TEST(CaptionTest, WordingVariesWithTheSeedAndOnlyWithIt) {
  std::set<std::string> texts;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    texts.insert(make_caption(rows({}, "grassland", 0.5), seed));
  }
  EXPECT_GT(texts.size(), 20U);
  EXPECT_EQ(make_caption(rows({}, "grassland", 0.5), 3),
            make_caption(rows({}, "grassland", 0.5), 3));
}

TEST(CaptionTest, WantsRows) {
  EXPECT_ERROR(make_caption({}, 1), ErrorCode::kInvalidArgument, "no rows");
}

}  // namespace
}  // namespace mw::collect
