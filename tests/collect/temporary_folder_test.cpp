// SPDX-License-Identifier: Apache-2.0
#include "mw/collect/temporary_folder.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "tests/support/expect_error.h"
#include "tests/support/scratch_folder.h"

namespace mw::collect {
namespace {

/// Another process that makes a folder with a file in it, and is killed.
void make_and_die(const std::filesystem::path& parent) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const TemporaryFolder folder(parent);
    test::write_bytes(folder.path() / "world", "map");
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
}

TEST(TemporaryFolderTest, GoesWithTheObject) {
  const test::ScratchFolder parent;
  {
    const TemporaryFolder folder(parent.path());
    test::write_bytes(folder.path() / "world", "map");
    EXPECT_EQ(parent.num_entries(), 1U);
  }
  EXPECT_EQ(parent.num_entries(), 0U);
}

TEST(TemporaryFolderTest, ANewOneRemovesThoseOfTheDeadAlone) {
  const test::ScratchFolder parent;
  const TemporaryFolder alive(parent.path());
  test::write_bytes(alive.path() / "world", "map");
  std::filesystem::create_directory(parent / "mw-collect-Ab12Cd");  // Of an older program.
  std::filesystem::create_directory(parent / "else");
  std::filesystem::create_directory_symlink(parent / "else", parent / "mw-collect-run-link");
  make_and_die(parent.path());
  EXPECT_EQ(parent.num_entries(), 5U);

  std::optional<TemporaryFolder> next(std::in_place, parent.path());
  EXPECT_EQ(parent.num_entries(), 5U);  // One came, one went.
  EXPECT_EQ(test::read_bytes(alive.path() / "world"), "map");
  EXPECT_TRUE(std::filesystem::is_directory(parent / "mw-collect-Ab12Cd"));
  EXPECT_TRUE(std::filesystem::is_directory(parent / "mw-collect-run-link"));
  next.reset();
  EXPECT_EQ(parent.num_entries(), 4U);
}

TEST(TemporaryFolderTest, NamesTheFolderThatCannotBe) {
  const test::ScratchFolder parent;
  EXPECT_ERROR(TemporaryFolder(parent / "none"), ErrorCode::kIo, "none/mw-collect-");
}

}  // namespace
}  // namespace mw::collect
