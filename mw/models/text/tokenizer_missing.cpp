// SPDX-License-Identifier: Apache-2.0
// The tokenizer of builds without sentencepiece (MW_TEXT=OFF): prompts can't be read there.
#include <numeric>

#include "mw/core/error.h"
#include "mw/models/text/tokenizer.h"

namespace mw::text {
namespace {

[[noreturn]] void refuse() {
  throw Error(ErrorCode::kConfig,
              "tokenizer: this build has no sentencepiece; build with MW_TEXT=ON to use prompts");
}

}  // namespace

struct Tokenizer::Impl {};

int64_t TokenIds::num_tokens() const {
  return std::accumulate(mask.begin(), mask.end(), int64_t{0});
}
Tokenizer::Tokenizer(const std::filesystem::path& /*model*/) { refuse(); }
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
TokenIds Tokenizer::encode(std::string_view /*text*/, int64_t /*length*/) const { refuse(); }
int64_t Tokenizer::vocab_size() const { refuse(); }
void train_tokenizer(const std::vector<std::string>& /*captions*/, int64_t /*vocab_size*/,
                     const std::filesystem::path& /*model*/) {
  refuse();
}

}  // namespace mw::text
