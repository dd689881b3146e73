// SPDX-License-Identifier: Apache-2.0
#include "mw/core/error.h"

#include <gtest/gtest.h>

namespace mw {
namespace {

TEST(ErrorTest, CheckNamesWantedAndFound) {
  try {
    MW_CHECK(1 > 2, "rows: wanted more than ", 2, ", got ", 1);
    FAIL() << "did not throw";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_STREQ(error.what(), "rows: wanted more than 2, got 1");
  }
}

TEST(ErrorTest, ExitStatusSeparatesUserBugAndDevice) {
  EXPECT_EQ(exit_status(ErrorCode::kFormat), 1);
  EXPECT_EQ(exit_status(ErrorCode::kInternal), 2);
  EXPECT_EQ(exit_status(ErrorCode::kDevice), 3);
}

TEST(ErrorTest, QuotedTextStaysOnOneShortLine) {
  EXPECT_EQ(quote_text("a b"), "'a b'");
  EXPECT_EQ(quote_text("a\n\x1b[2Jb\x7f"), "'a??[2Jb?'");
  EXPECT_EQ(quote_text(std::string(1000, 'x')), "'" + std::string(120, 'x') + "...'");
}

}  // namespace
}  // namespace mw
