// SPDX-License-Identifier: Apache-2.0
#include "mw/data/frame_row.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/expect_error.h"

namespace mw::data {
namespace {

using action::Key;

FrameRow random_row(std::mt19937& random, bool is_first) {
  std::uniform_real_distribution<double> number(-1000, 1000);
  FrameRow row;
  if (!is_first) {
    for (uint8_t& key : row.action.keys) key = static_cast<uint8_t>(random() % 2);
    row.action.pitch = static_cast<float>(number(random) / 10);
    row.action.yaw = static_cast<float>(number(random) / 10);
  }
  row.pitch = number(random);
  row.yaw = number(random);
  for (double& value : row.position) value = number(random);
  for (double& value : row.delta_position) value = number(random);
  row.is_collision = random() % 2 == 0;
  row.is_jump_invalid = random() % 2 == 0;
  row.time_of_day = (number(random) + 1000) / 2000;
  row.biome = "cold \"desert\"";
  return row;
}

std::string lines_of(const std::vector<FrameRow>& rows) {
  std::string text;
  for (size_t i = 0; i < rows.size(); ++i) {
    text += to_json_line(rows[i], static_cast<int64_t>(i)) + "\n";
  }
  return text;
}

TEST(FrameRowTest, RowsComeBackEqualAndGiveEqualLines) {
  for (uint32_t seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<FrameRow> rows;
    for (int i = 0; i < 20; ++i) rows.push_back(random_row(random, i == 0));
    EXPECT_EQ(parse_rows(lines_of(rows)), rows);
    EXPECT_EQ(lines_of(parse_rows(lines_of(rows))), lines_of(rows));
  }
}

TEST(FrameRowTest, LinesCarryTheNamesAndUnitsOfMicroWorld) {
  FrameRow row;
  row.action = {.keys = {0, 1, 1, 0, 0, 0, 1}, .pitch = -1.5f, .yaw = 0.1f};
  row.position = {1, 2.5, -3};
  row.is_collision = true;
  row.biome = "taiga";
  EXPECT_EQ(to_json_line(row, 7),
            R"({"frame":7,"keys":[0,1,1,0,0,0,1],"mouse":[-1.5,0.1],"ws":2,"ad":1,"scs":3,)"
            R"("pitch":0.0,"yaw":0.0,"pitch_delta":-0.1,"yaw_delta":0.006666666666666667,)"
            R"("pos":[1.0,2.5,-3.0],"delta_pos":[0.0,0.0,0.0],"collision":1,"jump_invalid":0,)"
            R"("time_of_day":0.5,"biome":"taiga"})");
}

TEST(FrameRowTest, BrokenLinesAreNamed) {
  const std::string first = to_json_line(FrameRow(), 0) + "\n";
  std::string second = to_json_line(FrameRow(), 1);
  const auto without = [&](const std::string& part, const std::string& instead) {
    std::string line = second;
    line.replace(line.find(part), part.size(), instead);
    return first + line;
  };
  EXPECT_EQ(parse_rows(first + second).size(), 2u);
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"\"frame\":1", "\"frame\":2", "line 2: 'frame' must be 1"},
      {"\"pitch\":0.0,", "", "line 2: 'pitch' is missing"},
      {"\"yaw\":0.0", "\"yaw\":\"0\"", "line 2: 'yaw' must be a finite number"},
      {"\"yaw\":0.0", "\"yaw\":1e999", "line 2: wanted a JSON object"},
      {"\"pos\":[0.0,", "\"pos\":[", "line 2: 'pos' must be [x, y, z]"},
      {"\"delta_pos\":[0.0", "\"delta_pos\":[null", "line 2: 'delta_pos' must be a finite number"},
      {"\"collision\":0", "\"collision\":2", "line 2: 'collision' must be 0 or 1"},
      {"\"jump_invalid\":0", "\"jump_invalid\":-1", "line 2: 'jump_invalid' must be 0 or 1"},
      {"\"time_of_day\":0.5", "\"time_of_day\":1.5", "line 2: 'time_of_day' must be 0 to 1"},
      {"\"biome\":\"\"", "\"biome\":3", "line 2: 'biome' must be text"},
      {"\"biome\":\"\"}", "\"biome\":\"", "line 2: wanted a JSON object"},
  };
  for (const auto& [part, instead, message] : cases) {
    SCOPED_TRACE(instead);
    EXPECT_ERROR(parse_rows(without(part, instead)), ErrorCode::kFormat, message);
  }
}

/// Rows at these places, holding these keys.
std::vector<FrameRow> rows_at(const std::vector<std::array<double, 3>>& places, Key key) {
  std::vector<FrameRow> rows(places.size());
  for (size_t i = 0; i < places.size(); ++i) {
    rows[i].position = places[i];
    if (i > 0) rows[i].action.keys[static_cast<size_t>(key)] = 1;
  }
  return rows;
}

TEST(FrameRowTest, CollisionMeansNoWayOverTheGround) {
  auto rows = rows_at({{0, 0, 0}, {0, 0, 0.25}, {0, 5, 0.25}, {0.02, 5, 0.25}}, Key::kW);
  mark_collisions(rows);
  EXPECT_FALSE(rows[0].is_collision);
  EXPECT_FALSE(rows[1].is_collision);
  EXPECT_EQ(rows[1].delta_position, (std::array<double, 3>{0, 0, 0.25}));
  EXPECT_TRUE(rows[2].is_collision);  // Falling only.
  EXPECT_FALSE(rows[3].is_collision);
  EXPECT_EQ(cleaned_actions_of(rows).rows()[1].keys[0], 1);
  EXPECT_EQ(cleaned_actions_of(rows).rows()[2].keys[0], 0);
  EXPECT_EQ(actions_of(rows).rows()[2].keys[0], 1);
}

TEST(FrameRowTest, OnlyTheFirstFrameOfARisingJumpIsValid) {
  // Up, still up, at the top, down, up again.
  auto rows = rows_at({{0, 0, 0}, {1, 0.4, 0}, {2, 0.7, 0}, {3, 0.7, 0}, {4, 0.2, 0}, {5, 0.6, 0}},
                      Key::kSpace);
  mark_collisions(rows);
  std::string invalid;
  for (const FrameRow& row : rows) invalid += row.is_jump_invalid ? '1' : '0';
  EXPECT_EQ(invalid, "001110");
  std::string jumps;
  const action::ActionTrack cleaned = cleaned_actions_of(rows);
  for (const auto& row : cleaned.rows()) jumps += row.is_pressed(Key::kSpace) ? '1' : '0';
  EXPECT_EQ(jumps, "010001");
}

}  // namespace
}  // namespace mw::data
