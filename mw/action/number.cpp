// SPDX-License-Identifier: Apache-2.0
#include "mw/action/number.h"

#include <array>
#include <charconv>
#include <cmath>

namespace mw::action {
namespace {

template <class Number>
std::optional<Number> parse_whole_text(std::string_view text) {
  if (text.size() >= 2 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  Number value{};
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

}  // namespace

std::optional<double> parse_number(std::string_view text) {
  const std::optional<double> value = parse_whole_text<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<int64_t> parse_whole_number(std::string_view text) {
  return parse_whole_text<int64_t>(text);
}

std::string number_text(float value) {
  std::array<char, 64> text;
  const auto result = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), result.ptr};
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  size_t begin = 0;
  while (true) {
    while (begin < text.size() && is_space(text[begin])) ++begin;
    if (begin == text.size()) return words;
    size_t end = begin;
    while (end < text.size() && !is_space(text[end])) ++end;
    words.push_back(text.substr(begin, end - begin));
    begin = end;
  }
}

}  // namespace mw::action
