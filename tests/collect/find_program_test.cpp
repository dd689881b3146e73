// SPDX-License-Identifier: Apache-2.0
#include "mw/collect/find_program.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "tests/support/expect_error.h"
#include "tests/support/scratch_folder.h"

namespace mw::collect {
namespace {

class FindProgramTest : public ::testing::Test {
 protected:
  FindProgramTest() : path_before_(getenv("PATH")) {}
  ~FindProgramTest() override { setenv("PATH", path_before_.c_str(), 1); }

  test::ScratchFolder scratch_;
  std::string path_before_;
};

TEST_F(FindProgramTest, LooksInEveryFolderOfPathForWhatCanRun) {
  for (const char* folder : {"a", "b"}) {
    std::filesystem::create_directory(scratch_ / folder);
    test::write_bytes(scratch_ / folder / "game", "");
  }
  std::filesystem::permissions(scratch_ / "b/game", std::filesystem::perms::owner_all);
  setenv("PATH", ("none::" + (scratch_ / "a").string() + ":" + (scratch_ / "b").string()).c_str(),
         1);
  EXPECT_EQ(find_program("game", "big-game"), scratch_ / "b/game");
}

TEST_F(FindProgramTest, NamesThePackageOfWhatIsMissing) {
  for (const char* path : {"", "/none"}) {
    setenv("PATH", path, 1);
    EXPECT_ERROR(find_program("Xvfb", "xvfb"), ErrorCode::kIo,
                 "there is no program 'Xvfb'; install the Debian package xvfb");
  }
}

}  // namespace
}  // namespace mw::collect
