// SPDX-License-Identifier: Apache-2.0
#include "mw/models/text/tokenizer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/support/expect_error.h"

namespace mw::text {
namespace {

const std::vector<std::string>& captions() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> made;
    for (const char* place : {"meadow", "desert", "forest", "beach", "snowy field"}) {
      for (const char* motion : {"walking forward", "turning left", "standing still", "jumping"}) {
        made.push_back(std::string("First-person view of a ") + place + ", " + motion + ".");
      }
    }
    return made;
  }();
  return all;
}

std::string train(const std::string& name) {
  const std::string path = ::testing::TempDir() + "/" + name;
  train_tokenizer(captions(), 120, path);
  return path;
}

TEST(TokenizerTest, EndsPadsAndCuts) {
  const Tokenizer tokenizer(train("a.model"));
  const TokenIds ids = tokenizer.encode("a meadow, walking forward", 32);
  ASSERT_EQ(ids.ids.size(), 32u);
  const auto count = static_cast<size_t>(ids.num_tokens());
  EXPECT_EQ(ids.ids[count - 1], Tokenizer::kEnd);
  EXPECT_EQ(ids.ids[count], Tokenizer::kPad);
  const TokenIds cut = tokenizer.encode("a meadow, walking forward", 3);
  EXPECT_EQ(cut.ids[0], ids.ids[0]);
  EXPECT_EQ(cut.ids[2], Tokenizer::kEnd);
  EXPECT_EQ(tokenizer.encode("", 4).ids, (std::vector<int64_t>{1, 0, 0, 0}));
  for (const int64_t id : ids.ids) EXPECT_LT(id, tokenizer.vocab_size());
}

TEST(TokenizerTest, EqualCaptionsGiveEqualFiles) {
  const auto bytes = [](const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string first = bytes(train("b.model"));
  EXPECT_EQ(first, bytes(train("c.model")));
  EXPECT_GT(first.size(), 100u);
}

TEST(TokenizerTest, BadFilesAreNamed) {
  EXPECT_ERROR(Tokenizer("/nowhere/spiece.model"), ErrorCode::kIo, "/nowhere/spiece.model");
  const std::string path = ::testing::TempDir() + "/broken.model";
  std::ofstream(path) << "not a model";
  EXPECT_ERROR(Tokenizer{path}, ErrorCode::kFormat, "not a sentencepiece model");
  EXPECT_ERROR(train_tokenizer({}, 100, path), ErrorCode::kInvalidArgument, "no captions");
}

}  // namespace
}  // namespace mw::text
