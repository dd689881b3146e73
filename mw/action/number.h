// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mw::action {

/// The finite number that `text` is from its first to its last character, or nothing. A leading
/// plus sign is allowed.
std::optional<double> parse_number(std::string_view text);

/// The same for a whole number.
std::optional<int64_t> parse_whole_number(std::string_view text);

/// The shortest text that reads back as the same float.
std::string number_text(float value);

/// The parts of `text` between white space.
std::vector<std::string_view> split_words(std::string_view text);

inline bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace mw::action
