// SPDX-License-Identifier: Apache-2.0
// Bytes as a prompt to clean.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "mw/models/text/tokenizer.h"

namespace {

void require(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string cleaned = mw::text::clean_text(text);
  require(cleaned.empty() || (cleaned.front() != ' ' && cleaned.back() != ' '));
  require(cleaned.find("  ") == std::string::npos && cleaned.find('\n') == std::string::npos);
  // A character may grow, from one bad byte to the three of U+FFFD, and ligatures by as much.
  require(cleaned.size() <= 6 * size);
  return 0;
}
