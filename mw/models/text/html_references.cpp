// SPDX-License-Identifier: Apache-2.0
#include "mw/models/text/html_references.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <sstream>

#include "mw/models/text/character_tables.h"

namespace mw::text {
namespace {

using Table = std::map<std::string, std::u32string>;

constexpr char32_t kReplacement = 0xFFFD;
constexpr size_t kLongestName = 32;  // Of what may be a name, as in Python.

const Table& entities() {
  static const Table table = unpacked(kHtmlEntities);
  return table;
}

bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }
bool is_hex_digit(char32_t c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_letter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Characters that a reference by number may not make.
bool is_invalid(uint32_t code) {
  return (code >= 0x1 && code <= 0x8) || code == 0xB || (code >= 0xE && code <= 0x1F) ||
         (code >= 0x7F && code <= 0x9F) || (code >= 0xFDD0 && code <= 0xFDEF) ||
         (code & 0xFFFE) == 0xFFFE;
}

std::u32string character(uint32_t code) {
  if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {kReplacement};
  if (code >= 0x80 && code <= 0x9F) return {from_windows_1252(code)};
  if (code != '\r' && is_invalid(code)) return {};
  return {static_cast<char32_t>(code)};
}

struct Resolved {
  std::u32string text;
  size_t length;  // Of the reference, with its `&`.
};

/// A reference by number at the head of `text`, which begins with `&#`.
std::optional<Resolved> resolve_number(std::u32string_view text) {
  const bool is_hex = text.size() > 2 && (text[2] == 'x' || text[2] == 'X');
  size_t end = is_hex ? 3 : 2;
  const size_t first = end;
  uint32_t code = 0;
  for (; end < text.size() && (is_hex ? is_hex_digit(text[end]) : is_digit(text[end])); ++end) {
    const char32_t c = text[end];
    const uint32_t digit = is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
    code = std::min<uint32_t>(code * (is_hex ? 16 : 10) + digit, 0x110000);
  }
  if (end == first) return std::nullopt;
  if (end < text.size() && text[end] == ';') ++end;
  return Resolved{.text = character(code), .length = end};
}

std::optional<Resolved> resolve_name(std::u32string_view text) {
  std::string name;
  for (const char32_t c : text.substr(1, kLongestName)) {
    const bool ends = c == '\t' || c == '\n' || c == '\f' || c == ' ' || c == '<' || c == '&' ||
                      c == '#' || c == ';';
    if (ends) {
      if (c == ';') name += ';';
      break;
    }
    if (c >= 0x80) {
      name += '\x01';  // In no name, but it may follow one.
    } else {
      name += static_cast<char>(c);
    }
  }
  // The longest name that it begins with.
  for (; name.size() > 1; name.pop_back()) {
    const auto found = entities().find(name);
    if (found != entities().end()) {
      return Resolved{.text = found->second, .length = 1 + name.size()};
    }
  }
  return std::nullopt;
}

std::optional<Resolved> resolve(std::u32string_view text) {
  return text.size() > 1 && text[1] == '#' ? resolve_number(text) : resolve_name(text);
}

template <class Resolve>
std::u32string with_references(std::u32string_view text, const Resolve& resolve_at) {
  std::u32string out;
  for (size_t i = 0; i < text.size();) {
    const auto resolved = text[i] == '&' ? resolve_at(text.substr(i)) : std::optional<Resolved>();
    if (resolved) {
      out += resolved->text;
      i += resolved->length;
    } else {
      out += text[i++];
    }
  }
  return out;
}

}  // namespace

std::map<std::string, std::u32string> unpacked(const char* table) {
  Table unpacked;
  std::istringstream words(table);
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    std::u32string& value = unpacked[word.substr(0, equals)];
    std::istringstream codes(word.substr(equals + 1));
    for (std::string code; std::getline(codes, code, ',');) {
      value += static_cast<char32_t>(std::stoul(code, nullptr, 16));
    }
  }
  return unpacked;
}

std::u32string unescape_html(std::u32string_view text) { return with_references(text, resolve); }

std::u32string unescape_plain_html(std::u32string_view text) {
  static const Table capitals = unpacked(kCapitalEntities);
  return with_references(text, [](std::u32string_view rest) -> std::optional<Resolved> {
    constexpr size_t kLongest = 24;
    const bool is_number = rest.size() > 1 && rest[1] == '#';
    size_t end = is_number ? 2 : 1;
    std::string name;
    for (; end < rest.size() && (is_digit(rest[end]) || is_letter(rest[end])); ++end) {
      name += static_cast<char>(rest[end]);
    }
    const bool is_whole =
        !name.empty() && name.size() <= kLongest && end < rest.size() && rest[end] == ';';
    if (!is_whole) return std::nullopt;
    if (is_number) {
      const auto resolved = resolve_number(rest);
      return resolved && resolved->length == end + 1 ? resolved : std::nullopt;
    }
    for (const Table* table : {&entities(), &capitals}) {
      const auto found = table->find(name + ";");
      if (found != table->end()) return Resolved{.text = found->second, .length = end + 1};
    }
    return std::nullopt;
  });
}

char32_t from_windows_1252(char32_t code) {
  constexpr std::array<char32_t, 32> kCodes = {
      0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
      0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
      0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};
  return code >= 0x80 && code <= 0x9F ? kCodes[code - 0x80] : code;
}

}  // namespace mw::text
