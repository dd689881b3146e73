// SPDX-License-Identifier: Apache-2.0
#include "mw/core/user_path.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace mw {
namespace {

TEST(UserPathTest, OnlyALeadingTildeIsTheHome) {
  setenv("HOME", "/home/ann", 1);
  EXPECT_EQ(user_path("~/runs"), "/home/ann/runs");
  EXPECT_EQ(user_path("~"), "/home/ann");
  EXPECT_EQ(user_path("a/~/b"), "a/~/b");
  EXPECT_EQ(user_path("~other"), "~other");
}

TEST(UserPathTest, CacheFollowsTheDesktopStandard) {
  setenv("HOME", "/home/ann", 1);
  setenv("XDG_CACHE_HOME", "/fast", 1);
  EXPECT_EQ(cache_folder(), "/fast/microworld");
  unsetenv("XDG_CACHE_HOME");
  EXPECT_EQ(cache_folder(), "/home/ann/.cache/microworld");
}

}  // namespace
}  // namespace mw
