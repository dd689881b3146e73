// SPDX-License-Identifier: Apache-2.0
#include "mw/hub/listing.h"

#include <gtest/gtest.h>

#include "tests/support/expect_error.h"

namespace mw::hub {
namespace {

const std::string kSha1(40, 'a'), kSha256(64, 'b');

std::string entry(const std::string& path, const std::string& size = "3",
                  const std::string& oid = kSha1, const std::string& more = "") {
  return R"([{"type":"file","oid":")" + oid + R"(","size":)" + size + R"(,"path":")" + path + "\"" +
         more + "}]";
}

TEST(ListingTest, PathsThatLeaveTheFolderAreUnsafe) {
  for (const char* path : {"config.json", "transformer/a-00001-of-00002.safetensors", "a b.txt",
                           ".gitattributes", "..a/b..", "\xc3\xa9.txt"}) {
    EXPECT_TRUE(is_safe_path(path)) << path;
  }
  for (const char* path : {"", "/etc/passwd", "..", "../a", "a/../../b", "a/..", "./a", "a//b",
                           "a/", "a\\b", "a\nb", "\x7f"}) {
    EXPECT_FALSE(is_safe_path(path)) << path;
  }
  EXPECT_FALSE(is_safe_path(std::string("a\0b", 3)));
  EXPECT_FALSE(is_safe_path(std::string(300, 'a')));
}

TEST(ListingTest, RepositoriesAreOwnerAndName) {
  EXPECT_TRUE(is_repository_name("Wan-AI/Wan2.1-T2V-1.3B"));
  for (const char* name : {"wan", "a/b/c", "/a", "a/", "../b", "a/..", "a b/c", "a/b?x", "a/b#c"}) {
    EXPECT_FALSE(is_repository_name(name)) << name;
  }
}

TEST(ListingTest, LargeFilesHaveASha256) {
  const auto small = parse_tree(entry("a/b.json"), "hub");
  ASSERT_EQ(small.size(), 1u);
  EXPECT_EQ(small[0].path, "a/b.json");
  EXPECT_EQ(small[0].size, 3);
  EXPECT_EQ(small[0].digest, kSha1);
  const auto large =
      parse_tree(entry("w", "9", kSha1, R"(,"lfs":{"oid":")" + kSha256 + R"(","size":9})"), "hub");
  EXPECT_EQ(large[0].digest, kSha256);
  EXPECT_EQ(large[0].kind, Digest::Kind::kSha256);
}

TEST(ListingTest, UnsoundAnswersAreRefused) {
  for (const std::string& text :
       {std::string("{"), std::string("{}"), std::string("[1]"), entry("../a"),
        entry("/etc/passwd"), entry("a", "-1"), entry("a", "1e99"), entry("a", "\"3\""),
        entry("a", "9999999999999999999"), entry("a", "3", "zz"),
        entry("a", "3", kSha1, R"(,"lfs":{"oid":"../../x"})")}) {
    EXPECT_ERROR(parse_tree(text, "hub"), ErrorCode::kFormat,
                 "hub: the answer is not that of a hub");
  }
  EXPECT_ERROR(parse_commit(R"({"sha":"../../main"})", "hub"), ErrorCode::kFormat, "no commit");
  EXPECT_EQ(parse_commit(R"({"sha":")" + kSha1 + "\"}", "hub"), kSha1);
}

TEST(ListingTest, NextPageStandsInTheLinkHeader) {
  EXPECT_EQ(next_link(R"(<https://h/a?cursor=x>; rel="next")"), "https://h/a?cursor=x");
  EXPECT_EQ(next_link(R"(<https://h/1>; rel="prev", <https://h/3>; rel="next")"), "https://h/3");
  EXPECT_EQ(next_link(R"(<https://h/1>; rel="last")"), "");
  EXPECT_EQ(next_link("nonsense>"), "");
}

TEST(ListingTest, AddressesAreEncoded) {
  EXPECT_EQ(percent_encoded("refs/pr/1", false), "refs%2Fpr%2F1");
  EXPECT_EQ(percent_encoded("a b/#?.txt", true), "a%20b/%23%3F.txt");
}

}  // namespace
}  // namespace mw::hub
