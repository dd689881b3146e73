// SPDX-License-Identifier: Apache-2.0
#include "mw/io/base64.h"

#include <gtest/gtest.h>

#include "tests/support/expect_error.h"

namespace mw::io {
namespace {

std::string encode(std::string_view text) { return to_base64(std::as_bytes(std::span(text))); }

TEST(Base64Test, AgreesWithTheStandardsExamples) {  // RFC 4648, section 10.
  EXPECT_EQ(encode(""), "");
  EXPECT_EQ(encode("f"), "Zg==");
  EXPECT_EQ(encode("fo"), "Zm8=");
  EXPECT_EQ(encode("foo"), "Zm9v");
  EXPECT_EQ(encode("foobar"), "Zm9vYmFy");
}

TEST(Base64Test, AnyBytesSurviveTheTrip) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes += static_cast<char>(i);
    const auto back = from_base64(encode(bytes));
    ASSERT_EQ(std::string(reinterpret_cast<const char*>(back.data()), back.size()), bytes);
  }
}

TEST(Base64Test, OtherTextIsRefused) {
  for (const char* text : {"Zg=", "Zg", "Z===", "Zm9v!", "Z=m9", "Zm9 ", "===="}) {
    EXPECT_ERROR(from_base64(text), ErrorCode::kFormat, "base64");
  }
}

}  // namespace
}  // namespace mw::io
