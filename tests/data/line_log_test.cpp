// SPDX-License-Identifier: Apache-2.0
#include "mw/data/line_log.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "tests/support/expect_error.h"
#include "tests/support/scratch_folder.h"

namespace mw::data {
namespace {

using test::read_bytes;
using test::ScratchFolder;
using test::write_bytes;

TEST(LineLogTest, LinesAreAddedAtTheEnd) {
  const ScratchFolder folder;
  EXPECT_TRUE(read_lines(folder / "log").empty());
  append_line(folder / "log", "one");
  append_line(folder / "log", "");
  append_line(folder / "log", "two");
  EXPECT_EQ(read_lines(folder / "log"), (std::vector<std::string>{"one", "", "two"}));
  EXPECT_ERROR(append_line(folder / "log", "a\nb"), ErrorCode::kInvalidArgument, "newline");
  EXPECT_ERROR(append_line(folder / "no/log", "a"), ErrorCode::kIo, "no/log': No such file");
}

TEST(LineLogTest, TornLastLineIsPassedOverAndDropped) {
  const ScratchFolder folder;
  write_bytes(folder / "log", "one\ntw");
  EXPECT_EQ(read_lines(folder / "log"), std::vector<std::string>{"one"});
  append_line(folder / "log", "three");
  EXPECT_EQ(read_bytes(folder / "log"), "one\nthree\n");
  write_bytes(folder / "log", "torn");
  append_line(folder / "log", "x");
  EXPECT_EQ(read_bytes(folder / "log"), "x\n");
}

TEST(LineLogTest, WritersAtOnceLoseNothing) {
  const ScratchFolder folder;
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < 50; ++i) {
        append_line(folder / "log", std::to_string(writer) + "." + std::to_string(i));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  const std::vector<std::string> lines = read_lines(folder / "log");
  EXPECT_EQ(lines.size(), 200u);
  EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()).size(), 200u);
}

}  // namespace
}  // namespace mw::data
