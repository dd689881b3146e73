// SPDX-License-Identifier: Apache-2.0
#include "mw/io/base64.h"

#include <algorithm>
#include <cstdint>

#include "mw/core/error.h"

namespace mw::io {
namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string to_base64(std::span<const std::byte> bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < count ? std::to_integer<uint32_t>(bytes[i + k]) : 0);
    }
    for (size_t k = 0; k < 4; ++k) {
      text += k <= count ? kDigits[group >> (18 - 6 * k) & 63] : '=';
    }
  }
  return text;
}

std::vector<std::byte> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) throw Error(ErrorCode::kFormat, "base64: it is cut short");
  std::vector<std::byte> bytes;
  bytes.reserve(text.size() / 4 * 3);
  const size_t padding = text.ends_with("==") ? 2 : (text.ends_with("=") ? 1 : 0);
  const size_t digits = text.size() - padding;
  uint32_t group = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t digit = i < digits ? kDigits.find(text[i]) : 0;
    if (digit == std::string_view::npos) {
      throw Error(ErrorCode::kFormat, concat_message("base64: column ", i + 1, " is no digit"));
    }
    group = group << 6 | static_cast<uint32_t>(digit);
    if (i % 4 != 3) continue;
    for (int shift = 16; shift >= 0; shift -= 8) {
      bytes.push_back(static_cast<std::byte>(group >> shift & 255));
    }
    group = 0;
  }
  bytes.resize(bytes.size() - padding);
  return bytes;
}

}  // namespace mw::io
