// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "mw/models/text/tokenizer.h"

namespace mw::text {
namespace {

void append_utf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

/// The character that `&name;` stands for, without `&` and `;`: numbers, and the names that prompts
/// copied from web pages hold.
std::optional<uint32_t> referenced_character(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, uint32_t>, 10> kNames = {{{"amp", '&'},
                                                                             {"lt", '<'},
                                                                             {"gt", '>'},
                                                                             {"quot", '"'},
                                                                             {"apos", '\''},
                                                                             {"nbsp", 0xA0},
                                                                             {"ndash", 0x2013},
                                                                             {"mdash", 0x2014},
                                                                             {"hellip", 0x2026},
                                                                             {"eacute", 0xE9}}};
  for (const auto& [known, code] : kNames) {
    if (known == name) return code;
  }
  if (name.size() < 2 || name[0] != '#') return std::nullopt;
  const bool is_hex = name[1] == 'x' || name[1] == 'X';
  const std::string_view digits = name.substr(is_hex ? 2 : 1);
  uint32_t code = 0;
  const auto result =
      std::from_chars(digits.data(), digits.data() + digits.size(), code, is_hex ? 16 : 10);
  const bool is_scalar = code > 0 && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
  if (result.ec != std::errc() || result.ptr != digits.data() + digits.size() || !is_scalar) {
    return std::nullopt;
  }
  return code;
}

std::string resolve_references(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t end = text[i] == '&' ? text.find(';', i) : std::string_view::npos;
    if (end != std::string_view::npos && end - i <= 10) {
      if (const auto code = referenced_character(text.substr(i + 1, end - i - 1))) {
        append_utf8(out, *code);
        i = end;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

/// Bytes of the Unicode white space at the head of `text`, 0 if there is none.
size_t white_space_length(std::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0};
  };
  if (byte(0) == ' ' || (byte(0) >= 0x09 && byte(0) <= 0x0D) ||
      (byte(0) >= 0x1C && byte(0) <= 0x1F)) {
    return 1;
  }
  if (byte(0) == 0xC2 && (byte(1) == 0x85 || byte(1) == 0xA0)) return 2;
  const uint32_t three =
      static_cast<uint32_t>(byte(0)) << 16 | static_cast<uint32_t>(byte(1)) << 8 | byte(2);
  const bool is_space = three == 0xE19A80 || (three >= 0xE28080 && three <= 0xE2808A) ||
                        three == 0xE280A8 || three == 0xE280A9 || three == 0xE280AF ||
                        three == 0xE2819F || three == 0xE38080;
  return is_space ? 3 : 0;
}

}  // namespace

std::string clean_text(std::string_view text) {
  const std::string resolved = resolve_references(resolve_references(text));
  std::string out;
  bool needs_blank = false;
  for (size_t i = 0; i < resolved.size();) {
    if (const size_t blank = white_space_length(std::string_view(resolved).substr(i))) {
      needs_blank = !out.empty();
      i += blank;
      continue;
    }
    const auto byte = static_cast<uint8_t>(resolved[i++]);
    if (byte < 0x20 || byte == 0x7F) continue;  // Control characters.
    if (needs_blank) out += ' ';
    needs_blank = false;
    out += static_cast<char>(byte);
  }
  return out;
}

}  // namespace mw::text
