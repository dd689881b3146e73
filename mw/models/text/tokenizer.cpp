// SPDX-License-Identifier: Apache-2.0
#include "mw/models/text/tokenizer.h"

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <numeric>
#include <sstream>
#include <unordered_map>

#include "mw/core/error.h"
#include "mw/io/atomic_file.h"

namespace mw::text {
namespace {

/// Hands the trainer its sentences from memory.
class CaptionIterator : public sentencepiece::SentenceIterator {
 public:
  explicit CaptionIterator(const std::vector<std::string>& captions) : captions_(captions) {}
  bool done() const override { return index_ >= captions_.size(); }
  void Next() override { ++index_; }
  const std::string& value() const override { return captions_[index_]; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  const std::vector<std::string>& captions_;
  size_t index_ = 0;
};

}  // namespace

struct Tokenizer::Impl {
  sentencepiece::SentencePieceProcessor processor;
};

int64_t TokenIds::num_tokens() const {
  return std::accumulate(mask.begin(), mask.end(), int64_t{0});
}

Tokenizer::Tokenizer(const std::filesystem::path& model) : impl_(std::make_unique<Impl>()) {
  std::ifstream in(model, std::ios::binary);
  std::ostringstream bytes;
  if (!in || !(bytes << in.rdbuf())) {
    throw Error(ErrorCode::kIo, "tokenizer: can't read '" + model.string() + "'");
  }
  if (!impl_->processor.LoadFromSerializedProto(bytes.str()).ok()) {
    throw Error(ErrorCode::kFormat,
                "tokenizer: '" + model.string() + "' is not a sentencepiece model");
  }
  if (impl_->processor.eos_id() != kEnd || impl_->processor.pad_id() != kPad) {
    throw Error(ErrorCode::kFormat, "tokenizer: '" + model.string() +
                                        "' must have pad id 0 and end id 1, as UMT5's has");
  }
}

Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

TokenIds Tokenizer::encode(std::string_view text, int64_t length) const {
  MW_CHECK(length > 0, "tokenizer: length must be positive, got ", length);
  std::vector<int> pieces;
  const std::string cleaned = clean_text(text);
  if (!impl_->processor.Encode(cleaned, &pieces).ok()) {
    throw Error(ErrorCode::kInvalidArgument, "tokenizer: the text can't be encoded");
  }
  TokenIds out;
  const size_t kept = std::min(pieces.size(), static_cast<size_t>(length - 1));
  out.ids.assign(pieces.begin(), pieces.begin() + static_cast<ptrdiff_t>(kept));
  out.ids.push_back(kEnd);
  out.mask.assign(out.ids.size(), 1);
  out.ids.resize(static_cast<size_t>(length), kPad);
  out.mask.resize(static_cast<size_t>(length), 0);
  return out;
}

int64_t Tokenizer::vocab_size() const { return impl_->processor.GetPieceSize(); }

void train_tokenizer(const std::vector<std::string>& captions, int64_t vocab_size,
                     const std::filesystem::path& model) {
  MW_CHECK(!captions.empty(), "tokenizer: no captions to learn from");
  CaptionIterator iterator(captions);
  std::string bytes;
  // As a map: given one string, the trainer prints it.
  const std::unordered_map<std::string, std::string> settings = {
      {"model_type", "unigram"},
      {"pad_id", "0"},
      {"eos_id", "1"},
      {"unk_id", "2"},
      {"bos_id", "-1"},
      {"pad_piece", "<pad>"},
      {"eos_piece", "</s>"},
      {"unk_piece", "<unk>"},
      {"character_coverage", "1.0"},
      {"hard_vocab_limit", "false"},
      {"num_threads", "1"},
      {"minloglevel", "2"},
      {"vocab_size", std::to_string(vocab_size)}};
  const auto status = sentencepiece::SentencePieceTrainer::Train(settings, &iterator, &bytes);
  if (!status.ok()) {
    throw Error(ErrorCode::kInvalidArgument, "tokenizer: " + status.ToString());
  }
  io::write_file(model, bytes);
}

}  // namespace mw::text
