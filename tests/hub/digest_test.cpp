// SPDX-License-Identifier: Apache-2.0
#include "mw/hub/digest.h"

#include <gtest/gtest.h>

#include <string>

#include "mw/hub/listing.h"

namespace mw::hub {
namespace {

std::string hex_of(Digest::Kind kind, const std::string& text, size_t piece = 1 << 20) {
  Digest digest(kind);
  for (size_t i = 0; i < text.size(); i += piece) {
    digest.update(std::as_bytes(std::span(text).subspan(i, std::min(piece, text.size() - i))));
  }
  return digest.hex();
}

// The examples of FIPS 180-4's companion, and the million letters.
TEST(DigestTest, Sha256MatchesTheStandard) {
  constexpr auto kKind = Digest::Kind::kSha256;
  EXPECT_EQ(hex_of(kKind, ""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex_of(kKind, "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex_of(kKind, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hex_of(kKind, std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(DigestTest, Sha1MatchesTheStandard) {
  constexpr auto kKind = Digest::Kind::kSha1;
  EXPECT_EQ(hex_of(kKind, "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex_of(kKind, std::string(1'000'000, 'a')), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

TEST(DigestTest, PiecesMakeNoDifference) {
  std::string text(300, '\0');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7);
  for (size_t length = 0; length < text.size(); length += 13) {
    const std::string part = text.substr(0, length);
    for (const size_t piece : {1, 7, 55, 63, 64, 65, 128}) {
      EXPECT_EQ(hex_of(Digest::Kind::kSha256, part, piece), hex_of(Digest::Kind::kSha256, part));
      EXPECT_EQ(hex_of(Digest::Kind::kSha1, part, piece), hex_of(Digest::Kind::kSha1, part));
    }
  }
}

// `printf 'hello\n' | git hash-object --stdin`
TEST(DigestTest, SmallFilesHaveGitsName) {
  RemoteFile file{.path = "a", .size = 6, .kind = Digest::Kind::kSha1};
  Digest digest = file.start_digest();
  const std::string text = "hello\n";
  digest.update(std::as_bytes(std::span(text)));
  EXPECT_EQ(digest.hex(), "ce013625030ba8dba906f756967f9e9ca394464a");
}

}  // namespace
}  // namespace mw::hub
