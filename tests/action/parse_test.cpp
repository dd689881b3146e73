// SPDX-License-Identifier: Apache-2.0
#include "mw/action/parse.h"

#include <gtest/gtest.h>

#include <random>

#include "mw/action/json_rows.h"
#include "mw/action/script.h"
#include "tests/support/expect_error.h"
#include "tests/support/scratch_folder.h"

namespace mw::action {
namespace {

using test::ScratchFolder;
using test::write_bytes;

/// Keys in vector order as text, pitch, yaw: "1000100 0 3".
std::string row_text(const Action& row) {
  std::string text;
  for (const uint8_t key : row.keys) text += key != 0 ? '1' : '0';
  return concat_message(text, " ", row.pitch, " ", row.yaw);
}

/// Runs of equal rows: "0000000 0 0 x1, 1000000 0 0 x16".
std::string runs_text(const ActionTrack& track) {
  std::string text, last;
  int count = 0;
  const auto flush = [&] {
    if (count > 0) text += concat_message(text.empty() ? "" : ", ", last, " x", count);
  };
  for (const Action& row : track.rows()) {
    if (row_text(row) != last) {
      flush();
      count = 0;
      last = row_text(row);
    }
    ++count;
  }
  flush();
  return text;
}

struct Case {
  const char* text;
  const char* wanted;
};

TEST(ParseActionsTest, TheGrammarsGiveTheseRows) {
  const Case cases[] = {
      // Scripts.
      {"w*16", "0000000 0 0 x1, 1000000 0 0 x16"},
      {"none*3", "0000000 0 0 x4"},
      {"s*1,a*1,d*1", "0000000 0 0 x1, 0100000 0 0 x1, 0010000 0 0 x1, 0001000 0 0 x1"},
      {"space*1, shift*2, ctrl*3",
       "0000000 0 0 x1, 0000100 0 0 x1, 0000010 0 0 x2, 0000001 0 0 x3"},
      {"w*2, w+right(4.5)*2, w+space*1, none*8",
       "0000000 0 0 x1, 1000000 0 0 x2, 1000000 0 4.5 x2, 1000100 0 0 x1, 0000000 0 0 x8"},
      {"left*1, up*1, down(0.25)+left(180)*1",
       "0000000 0 0 x1, 0000000 0 -3 x1, 0000000 -3 0 x1, 0000000 0.25 -180 x1"},
      {" W + Right ( +2 ) * 3 ,\n CTRL+w*1 ,\n", "0000000 0 0 x1, 1000000 0 2 x3, 1000001 0 0 x1"},
      {"w+s+a+d+space+shift+ctrl*1", "0000000 0 0 x1, 1111111 0 0 x1"},
      // Micro-World's lists. The first is the example of its README, shortened to frame 12.
      {R"([[10, "0 1 0 0 0 0 0 0 0"], [12, "0 0 0 1 0 0 0 0 0"], "3 12"])",
       "0000000 0 0 x1, 0100000 0 0 x2, 0100100 0 0 x1, 0100000 0 0 x7, 0001000 0 0 x1, "
       "0001100 0 0 x1"},
      {R"([[1, "1 0 0 0 0 0 0 0 0"], [2, "0 0 1 0 0 0 0 0 0"], [3, "0 0 0 0 1 0 0 0 0"],)"
       R"( [4, "0 0 0 0 0 1 0 0 0"], [5, "0 0 0 0 0 0 9 -1.5 3e0"], ""])",
       "0000000 0 0 x1, 1000000 0 0 x1, 0010000 0 0 x1, 0000010 0 0 x1, 0000001 0 0 x1, "
       "0000000 -1.5 3 x1"},
      {"[[1,\"1.0 0.9 0 0 0 0 0 0 0\"],\"0 7\"]", "0000000 0 0 x1, 1000000 0 0 x1"},
      {" \n[[1,\"\\t1  0 0 0 0 0 0 0 +2 \"],\"1\"]", "0000000 0 0 x1, 1000100 0 2 x1"},
      // JSON lines.
      {R"({"keys":[0,0,0,0,0,0,0],"mouse":[0,0]})", "0000000 0 0 x1"},
      {"{\"frame\":0,\"keys\":[0,0,0,0,0,0,0],\"mouse\":[0,0]}\n\r\n"
       "{\"frame\":1,\"biome\":\"desert\",\"mouse\":[-1.25,2],\"keys\":[1,0,0,0,0,0,1.0]}\r\n\n",
       "0000000 0 0 x1, 1000001 -1.25 2 x1"},
  };
  for (const Case& c : cases) EXPECT_EQ(runs_text(parse_actions(c.text)), c.wanted) << c.text;
}

TEST(ParseActionsTest, ReadmeExampleOfMicroWorldHas81Rows) {
  const ActionTrack track =
      parse_actions(R"([[10, "0 1 0 0 0 0 0 0 0"], [80, "0 0 0 1 0 0 0 0 0"], "30 65"])");
  ASSERT_EQ(track.num_frames(), 81);
  for (int i = 0; i < 81; ++i) {
    const Action& row = track.rows()[static_cast<size_t>(i)];
    EXPECT_EQ(row.is_pressed(Key::kS), i >= 1 && i <= 10) << i;
    EXPECT_EQ(row.is_pressed(Key::kD), i > 10) << i;
    EXPECT_EQ(row.is_pressed(Key::kSpace), i == 30 || i == 65) << i;
  }
}

TEST(ParseActionsTest, MalformedTextIsNamed) {
  const Case cases[] = {
      {"", "actions: empty; wanted a script"},
      {" \n\t", "actions: empty"},
      // Scripts.
      {"w", "actions: segment 1, column 2: wanted '*' and a number of frames, found the end"},
      {"w16", "segment 1, column 2: wanted '*' and a number of frames, found '1'"},
      {"w*", "segment 1, column 3: wanted a whole number of frames from 1, found ''"},
      {"w*0", "column 3: wanted a whole number of frames from 1, found '0'"},
      {"w*-4", "found '-4'"},
      {"w*1.5", "found '1.5'"},
      {"w*4x", "found '4x'"},
      {"w*999999999999999999999", "wanted a whole number of frames from 1"},
      {"w*1000000", "1000000 frames make more than 1000000 rows in all"},
      {"w*999999, w*1", "segment 2, column 13: 1 frames make more than"},
      {"w*2, w+rigth(3)*20", "segment 2, column 8: unknown name 'rigth', wanted w, a, s, d"},
      {"w*2,,w*2",
       "segment 2, column 5: wanted w, a, s, d, space, shift, ctrl, left, right, up, "
       "down or none, found ','"},
      {",w*2", "segment 1, column 1: wanted w"},
      {"w+*2", "segment 1, column 3: wanted w"},
      {"w*2 w*2", "wanted a whole number of frames from 1, found '2 w*2'"},
      {"w+w*2", "segment 1, column 3: 'w' is given twice"},
      {"w+none*2", "'none' stands alone"},
      {"none+none*2", "'none' stands alone"},
      {"left+right*2", "segment 1, column 6: more than one of left and right"},
      {"up+up(0)*2", "more than one of up and down"},
      {"right(*2", "column 7: wanted 0 to 180 degrees per frame, found '*2'"},
      {"right()*2", "wanted 0 to 180 degrees per frame, found ''"},
      {"right(-3)*2", "found '-3'"},
      {"right(181)*2", "found '181'"},
      {"right(nan)*2", "found 'nan'"},
      {"right(inf)*2", "found 'inf'"},
      {"right(1e400)*2", "found '1e400'"},
      {"w(3)*2", "wanted '*' and a number of frames, found '('"},
      {"w*2;d*3", "found '2;d*3'"},
      {"\x01*2", "found '?'"},
      // Lists.
      {"[", "list is not JSON at column 2"},
      {"[[1,'1 0 0 0 0 0 0 0 0'],'']",
       "list is not JSON at column 5; wanted [[end, \"9 numbers\"]"},
      {"[]", "wanted a list of at least one [end, \"9 numbers\"]"},
      {"[\"1\"]", "wanted a list of at least one"},
      {"[[1,\"0 0 0 0 0 0 0 0 0\"]]", "found last a list of 2"},
      {"[[1,\"0 0 0 0 0 0 0 0 0\"],[2,\"0 0 0 0 0 0 0 0 0\"]]", "last, a text of jump frames"},
      {"[[1,\"0 0 0 0 0 0 0 0\"],\"\"]",
       "segment 1: wanted 9 numbers 'w s a d shift ctrl _ mouse_y mouse_x', found 8"},
      {"[[1,\"0 0 0 0 0 0 0 0 0 0\"],\"\"]", "segment 1: wanted 9 numbers"},
      {"[[1,\"0 0 0 0 x 0 0 0 0\"],\"\"]", "segment 1: number 5 of"},
      {"[[1,\"0 0 0 0 0 0 0 0 nan\"],\"\"]", "segment 1: number 9 of"},
      {"[[1,\"0 0 0 0 2 0 0 0 0\"],\"\"]", "key shift must be 0 or 1, found '2'"},
      {"[[1,\"-1 0 0 0 0 0 0 0 0\"],\"\"]", "key w must be 0 or 1, found '-1'"},
      {"[[1,\"0 0 0 0 0 0 0 181 0\"],\"\"]", "segment 1: pitch must be -180 to 180"},
      {"[[1,\"0 0 0 0 0 0 0 0 1e30\"],\"\"]", "segment 1: yaw must be -180 to 180"},
      {"[[0,\"0 0 0 0 0 0 0 0 0\"],\"\"]",
       "segment 1: its last frame must be a whole number from 1"},
      {"[[5,\"0 0 0 0 0 0 0 0 0\"],[5,\"0 0 0 0 0 0 0 0 0\"],\"\"]",
       "segment 2: its last frame must be a whole number from 6 to 999999, found '5'"},
      {"[[1.5,\"0 0 0 0 0 0 0 0 0\"],\"\"]", "found '1.5'"},
      {"[[1000000,\"0 0 0 0 0 0 0 0 0\"],\"\"]", "found '1000000'"},
      {"[[18446744073709551615,\"0 0 0 0 0 0 0 0 0\"],\"\"]", "found '18446744073709551615'"},
      {"[[1,\"0 0 0 0 0 0 0 0 0\",3],\"\"]",
       "segment 1: wanted [end, \"9 numbers\"], found a list"},
      {"[1,\"\"]", "segment 1: wanted [end, \"9 numbers\"], found '1'"},
      {"[{},\"\"]", "segment 1: wanted [end, \"9 numbers\"], found an object"},
      {"[[1,\"0 0 0 0 0 0 0 0 0\"],\"1 x\"]", "jump frames: wanted whole numbers, found 'x'"},
      {"[[1,\"0 0 0 0 0 0 0 0 0\"],\"-1\"]", "jump frames: wanted whole numbers, found '-1'"},
      {"[[[[[[1]]]]]]", "nested deeper"},
      // JSON lines.
      {"{", "line 1: wanted a JSON object, found '{'"},
      {"{}", "line 1: 'keys' is missing"},
      {"{\"keys\":[0,0,0,0,0,0,0]}", "line 1: 'mouse' is missing"},
      {"{\"keys\":[0,0,0,0,0,0],\"mouse\":[0,0]}", "line 1: 'keys' must be a list of 7, found 6"},
      {"{\"keys\":7,\"mouse\":[0,0]}", "line 1: 'keys' must be a list of 7"},
      {"{\"keys\":[0,0,0,0,0,0,2],\"mouse\":[0,0]}", "'keys' number 7 (ctrl) must be 0 or 1"},
      {"{\"keys\":[true,0,0,0,0,0,0],\"mouse\":[0,0]}", "'keys' number 1 (w) must be 0 or 1"},
      {"{\"keys\":[0,0,0,0,0,0,0],\"mouse\":[0,\"1\"]}", "'mouse' must be [pitch, yaw] numbers"},
      {"{\"keys\":[1,0,0,0,0,0,0],\"mouse\":[0,0]}", "row 0: must have no key and no turn"},
      {"{\"keys\":[0,0,0,0,0,0,0],\"mouse\":[0,1]}", "row 0: must have no key and no turn"},
      {"{\"keys\":[0,0,0,0,0,0,0],\"mouse\":[0,0]}\n\n{\"keys\":[0,0,0,0,0,0,0],\"mouse\":[0,999]}",
       "line 3: yaw must be -180 to 180 degrees per frame, found 999"},
      {"{\"frame\":1,\"keys\":[0,0,0,0,0,0,0],\"mouse\":[0,0]}", "line 1: 'frame' must be 0"},
      {"{\"keys\":[0,0,0,0,0,0,0],\"mouse\":[0,0]} {}", "line 1: wanted a JSON object"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    EXPECT_ERROR(parse_actions(c.text), ErrorCode::kFormat, c.wanted);
  }
}

TEST(ParseActionsTest, LongLinesAndDeepNestingAreRefusedCheaply) {
  EXPECT_ERROR(parse_actions(std::string(20'000'000, '[')), ErrorCode::kFormat, "nested deeper");
  EXPECT_ERROR(parse_actions("{\"keys\":" + std::string(20'000'000, '[')), ErrorCode::kFormat,
               "line 1: it has 20000008 bytes");
}

TEST(ParseActionsTest, FilesGiveTheirContentAndTheirName) {
  const ScratchFolder folder;
  write_bytes(folder / "walk", "w*4\n");
  EXPECT_EQ(parse_actions((folder / "walk").string()), parse_actions("w*4"));
  write_bytes(folder / "walk", "w*four");
  EXPECT_ERROR(parse_actions((folder / "walk").string()), ErrorCode::kFormat,
               "walk': segment 1, column 3: wanted a whole number of frames");
  EXPECT_ERROR(parse_actions((folder / "none").string()), ErrorCode::kIo, "actions: no file '");
  EXPECT_ERROR(parse_actions("none.jsonl"), ErrorCode::kIo, "actions: no file 'none.jsonl'");
  EXPECT_ERROR(parse_actions(folder.path().string()), ErrorCode::kIo, "is a folder");
}

/// A track with long and short runs, keys and turns drawn from `seed`.
ActionTrack random_track(uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Action> rows(1);
  const size_t num_rows = 2 + random() % 200;
  while (rows.size() < num_rows) {
    Action action;
    for (uint8_t& key : action.keys) key = static_cast<uint8_t>(random() % 4 == 0);
    std::uniform_real_distribution<float> turn(-kMaxTurn, kMaxTurn);
    if (random() % 2 == 0) action.pitch = turn(random);
    if (random() % 2 == 0) action.yaw = turn(random) * 1e-3f;
    rows.insert(rows.end(), 1 + random() % 9, action);
  }
  return ActionTrack(rows);
}

TEST(ParseActionsTest, WrittenTracksReadBackEqual) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const ActionTrack track = random_track(seed);
    EXPECT_EQ(parse_actions(to_script(track)), track);
    EXPECT_EQ(parse_actions(to_json_lines(track)), track);
    EXPECT_EQ(to_json_lines(parse_actions(to_json_lines(track))), to_json_lines(track));
    EXPECT_EQ(to_script(parse_actions(to_script(track))), to_script(track));
  }
}

TEST(ParseActionsTest, ScriptsAreWrittenForPeople) {
  EXPECT_EQ(to_script(parse_actions("W*2, w*1, left+w*1, none*1, up(0.1)*2")),
            "w*3, w+left(3)*1, none*1, up(0.1)*2");
  EXPECT_ERROR(to_script(ActionTrack()), ErrorCode::kInvalidArgument, "has no script");
}

}  // namespace
}  // namespace mw::action
