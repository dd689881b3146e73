// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "mw/models/text/character_tables.h"
#include "mw/models/text/html_references.h"
#include "mw/models/text/tokenizer.h"

namespace mw::text {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

/// Code points of UTF-8. A byte that is no part of a character becomes U+FFFD; surrogates, which
/// UTF-8 should not hold, stay for the repair.
std::u32string decoded(std::string_view bytes) {
  std::u32string out;
  for (size_t i = 0; i < bytes.size();) {
    const auto byte = [&](size_t k) -> uint32_t {
      return i + k < bytes.size() ? static_cast<uint8_t>(bytes[i + k]) : 0;
    };
    const uint32_t head = byte(0);
    const size_t length = head < 0x80   ? 1
                          : head < 0xC2 ? 0
                          : head < 0xE0 ? 2
                          : head < 0xF0 ? 3
                          : head < 0xF5 ? 4
                                        : 0;
    uint32_t code = length == 1 ? head : head & (0x7F >> length);
    bool is_sound = length > 0;
    for (size_t k = 1; k < length; ++k) {
      is_sound = is_sound && (byte(k) & 0xC0) == 0x80;
      code = code << 6 | (byte(k) & 0x3F);
    }
    constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    is_sound = is_sound && code >= kLeast[length] && code <= 0x10FFFF;
    out += is_sound ? static_cast<char32_t>(code) : kReplacement;
    i += is_sound ? length : 1;
  }
  return out;
}

std::string encoded(std::u32string_view text) {
  std::string out;
  for (const char32_t code : text) {
    if (code < 0x80) {
      out += static_cast<char>(code);
      continue;
    }
    const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    out += static_cast<char>((0xFF00 >> (more + 1) & 0xFF) | code >> (6 * more));
    for (int k = more - 1; k >= 0; --k) out += static_cast<char>(0x80 | (code >> (6 * k) & 0x3F));
  }
  return out;
}

const std::map<char32_t, std::u32string>& plain_forms() {
  static const std::map<char32_t, std::u32string> forms = [] {
    std::map<char32_t, std::u32string> by_code;
    for (const auto& [name, form] : unpacked(kPlainForms)) {
      by_code[static_cast<char32_t>(std::stoul(name, nullptr, 16))] = form;
    }
    return by_code;
  }();
  return forms;
}

char32_t straight_quote(char32_t c) {
  if (c == 0x2BC || (c >= 0x2018 && c <= 0x201B)) return '\'';
  return c >= 0x201C && c <= 0x201F ? '"' : c;
}

bool is_line_break(char32_t c) { return c == '\r' || c == 0x2028 || c == 0x2029; }

bool is_control(char32_t c) {
  return c <= 0x8 || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F ||
         (c >= 0x206A && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFC);
}

bool is_high_surrogate(char32_t c) { return c >= 0xD800 && c <= 0xDBFF; }
bool is_low_surrogate(char32_t c) { return c >= 0xDC00 && c <= 0xDFFF; }

/// Length of a terminal's escape sequence at the head of `text`, 0 if there is none.
size_t escape_length(std::u32string_view text) {
  if (text.size() < 3 || text[0] != 0x1B || text[1] != '[') return 0;
  size_t end = 2;
  while (end < text.size() && ((text[end] >= '0' && text[end] <= '9') || text[end] == ';')) ++end;
  const bool has_letter = end < text.size() && ((text[end] >= 'a' && text[end] <= 'z') ||
                                                (text[end] >= 'A' && text[end] <= 'Z'));
  return has_letter ? end + 1 : 0;
}

/// Characters as they were meant: Windows-1252 controls, ligatures, widths, quotes.
std::u32string with_plain_characters(std::u32string_view text) {
  std::u32string out;
  for (const char32_t given : text) {
    const char32_t c = from_windows_1252(given);
    const auto form = plain_forms().find(c);
    for (const char32_t part : form != plain_forms().end() ? form->second : std::u32string(1, c)) {
      out += straight_quote(part);
    }
  }
  return out;
}

std::u32string with_unix_lines_and_whole_pairs(std::u32string_view text) {
  std::u32string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    const char32_t next = i + 1 < text.size() ? text[i + 1] : 0;
    if (is_line_break(c)) {
      out += '\n';
      if (c == '\r' && next == '\n') ++i;
    } else if (is_high_surrogate(c) && is_low_surrogate(next)) {
      out += 0x10000 + (c - 0xD800) * 0x400 + (next - 0xDC00);
      ++i;
    } else {
      out += is_high_surrogate(c) || is_low_surrogate(c) ? kReplacement : c;
    }
  }
  return out;
}

std::u32string without_controls(std::u32string_view text) {
  std::u32string kept, out;
  for (size_t i = 0; i < text.size();) {
    const size_t escape = escape_length(text.substr(i));
    if (escape == 0) kept += text[i];
    i += escape == 0 ? 1 : escape;
  }
  for (const char32_t c : kept) {
    if (!is_control(c)) out += c;
  }
  return out;
}

/// One line as ftfy repairs it, until nothing changes.
std::u32string repaired(std::u32string line, bool has_html) {
  while (true) {
    std::u32string next = has_html ? line : unescape_plain_html(line);
    next = without_controls(with_unix_lines_and_whole_pairs(with_plain_characters(next)));
    if (next == line) return line;
    line = std::move(next);
  }
}

std::u32string repaired_lines(std::u32string_view text) {
  std::u32string out;
  bool has_html = false;  // Once there is a tag, references are left alone.
  while (!text.empty()) {
    const size_t length = std::min(text.find(U'\n'), text.size() - 1) + 1;
    const std::u32string_view line = text.substr(0, length);
    has_html = has_html || line.find(U'<') != std::u32string_view::npos;
    out += repaired(std::u32string(line), has_html);
    text.remove_prefix(length);
  }
  return out;
}

bool is_white_space(char32_t c) {
  return c == ' ' || (c >= 0x9 && c <= 0xD) || (c >= 0x1C && c <= 0x1F) || c == 0x85 || c == 0xA0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
         c == 0x205F || c == 0x3000;
}

}  // namespace

std::string clean_text(std::string_view text) {
  const std::u32string resolved = unescape_html(unescape_html(repaired_lines(decoded(text))));
  std::u32string out;
  bool needs_blank = false;
  for (const char32_t c : resolved) {
    if (is_white_space(c)) {
      needs_blank = !out.empty();
      continue;
    }
    if (needs_blank) out += ' ';
    needs_blank = false;
    out += c;
  }
  return encoded(out);
}

}  // namespace mw::text
