// SPDX-License-Identifier: Apache-2.0
// Token numbers equal those of Python's sentencepiece; goldens by tools/goldens/text.py.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "mw/models/text/tokenizer.h"

namespace mw::text {
namespace {

TEST(SentencepieceParityTest, NumbersEqualPythons) {
  const std::filesystem::path goldens = std::filesystem::path(MW_SOURCE_DIR) / "tests/goldens/text";
  const Tokenizer tokenizer(goldens / "spiece.model");
  std::ifstream in(goldens / "tokens.json");
  const nlohmann::json rows = nlohmann::json::parse(in);
  ASSERT_GE(rows.size(), 9u);
  for (const auto& row : rows) {
    const std::string text = row.at("text");
    const TokenIds got = tokenizer.encode(text, 512);
    const auto count = static_cast<ptrdiff_t>(got.num_tokens());
    EXPECT_EQ(std::vector<int64_t>(got.ids.begin(), got.ids.begin() + count),
              row.at("ids").get<std::vector<int64_t>>())
        << text;
  }
}

}  // namespace
}  // namespace mw::text
