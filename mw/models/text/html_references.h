// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace mw::text {

/// Words of a table in character_tables.h by their names.
std::map<std::string, std::u32string> unpacked(const char* table);

/// Resolves HTML character references as browsers do, also those without `;`: Python's
/// `html.unescape`. Source: the HTML standard, "character reference state".
std::u32string unescape_html(std::u32string_view text);

/// Resolves only references that end in `;` and can't be anything else, names in capitals too:
/// `ftfy.fixes.unescape_html` of github.com/rspeer/python-ftfy.
std::u32string unescape_plain_html(std::u32string_view text);

/// The characters that bytes 0x80 to 0x9F mean in Windows-1252; others are returned as they are.
char32_t from_windows_1252(char32_t code);

}  // namespace mw::text
