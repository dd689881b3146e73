// SPDX-License-Identifier: Apache-2.0
// Prompt cleaning against ftfy and Python's html module; golden by tools/goldens/text.py.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "mw/models/text/tokenizer.h"

namespace mw::text {
namespace {

TEST(CleanTextTest, HostileTextsAreWhatPythonMakesOfThem) {
  std::ifstream in(std::string(MW_SOURCE_DIR) + "/tests/goldens/text/cleaned.json");
  const nlohmann::json rows = nlohmann::json::parse(in);
  ASSERT_GE(rows.size(), 30U);
  for (const auto& row : rows) {
    EXPECT_EQ(clean_text(row.at("text").get<std::string>()), row.at("cleaned").get<std::string>())
        << row.at("text");
  }
}

TEST(CleanTextTest, BytesThatAreNoTextAreReplaced) {
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(clean_text("a\x80z"), "a" + bad + "z");
  EXPECT_EQ(clean_text("\xC0\xAF"), bad + bad);  // Overlong.
  EXPECT_EQ(clean_text("\xE2\x82"), bad + bad);  // Cut off.
  EXPECT_EQ(clean_text("\xF5\x80\x80\x80"), bad + bad + bad + bad);
  EXPECT_EQ(clean_text("\xED\xA0\xBD\xED\xB8\x80"), "\xF0\x9F\x98\x80");  // A pair of surrogates.
  EXPECT_EQ(clean_text("\xED\xA0\xBD!"), bad + "!");
}

TEST(CleanTextTest, ReferencesControlsAndBlanks) {
  EXPECT_EQ(clean_text("  a\t\n b  "), "a b");
  EXPECT_EQ(clean_text("fish &amp; chips"), "fish & chips");
  EXPECT_EQ(clean_text("&amp;lt;b&amp;gt;"), "<b>");
  EXPECT_EQ(clean_text("&#65;&#x42; &nope; &#0;"), "AB &nope; \xEF\xBF\xBD");
  EXPECT_EQ(clean_text("a\xC2\xA0\xE3\x80\x80z"), "a z");
  EXPECT_EQ(clean_text(std::string("a\x01") + "b"), "ab");
  EXPECT_EQ(clean_text(""), "");
}

}  // namespace
}  // namespace mw::text
