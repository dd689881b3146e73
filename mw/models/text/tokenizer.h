// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mw::text {

/// Ids of a text, padded to a fixed length, as the encoder takes them.
struct TokenIds {
  std::vector<int64_t> ids;   ///< The text's, the end token, then 0 up to the length.
  std::vector<int64_t> mask;  ///< 1 for the text and its end, 0 for padding.

  int64_t num_tokens() const;  ///< Real ones, with the end token.
};

/// A sentencepiece model (`spiece.model`) used as UMT5 does. Const and shareable between threads.
class Tokenizer {
 public:
  static constexpr int64_t kPad = 0, kEnd = 1;

  /// Throws Error kIo or kFormat, naming the file.
  explicit Tokenizer(const std::filesystem::path& model);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  /// Cleans the text, encodes it, appends the end token and pads to `length`; what does not fit is
  /// cut, the end token stays. The empty text is the end token alone.
  TokenIds encode(std::string_view text, int64_t length) const;

  int64_t vocab_size() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Trains a unigram model with T5's special ids (pad 0, end 1, unknown 2) on whole captions and
/// writes it as one file, whole or not at all. Equal captions give equal files. Rare pieces are
/// left out when the captions do not fill `vocab_size`. Throws Error kInvalidArgument when there
/// are no captions, kIo when the file can't be written.
void train_tokenizer(const std::vector<std::string>& captions, int64_t vocab_size,
                     const std::filesystem::path& model);

/// Prompt cleaning as the pipelines of Wan2.1 do it: ftfy's repairs, HTML character references
/// resolved twice more, runs of white space made one blank.
///
/// Of ftfy (github.com/rspeer/python-ftfy) all but two steps are here: references, Windows-1252
/// controls, ligatures, half- and full-width characters, quotes, line breaks, surrogates, terminal
/// escapes, control characters. Text that was decoded wrongly is not repaired, and accents that
/// stand apart from their letters are not joined (NFC): the tokenizer's own normaliser does that.
std::string clean_text(std::string_view text);

}  // namespace mw::text
