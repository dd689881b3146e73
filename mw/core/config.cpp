// SPDX-License-Identifier: Apache-2.0
#include "mw/core/config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <sstream>

#include "mw/core/error.h"

namespace mw {
namespace {

std::string text_of(const toml::node& node, const std::string& key) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* number = node.as_floating_point()) {
    return concat_message(std::setprecision(17), number->get());
  }
  if (const auto* list = node.as_array()) {
    std::string joined;
    for (const auto& item : *list) {
      joined += (joined.empty() ? "" : ",") + text_of(item, key);
    }
    return joined;
  }
  throw Error(ErrorCode::kConfig, "config: '" + key + "' has a type that no setting uses");
}

void flatten(const toml::table& table, const std::string& prefix,
             std::map<std::string, std::string>& out) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (const auto* inner = node.as_table()) {
      flatten(*inner, key + ".", out);
    } else {
      out[key] = text_of(node, key);
    }
  }
}

int edit_distance(std::string_view a, std::string_view b) {
  std::vector<int> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    int diagonal = row[0];
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const int substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

template <class Number>
void parse_number(const std::string& key, const std::string& text, const char* wanted,
                  Number& value) {
  Number parsed{};
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, parsed);
  if (result.ec != std::errc() || result.ptr != end) {
    throw Error(ErrorCode::kConfig,
                "config: '" + key + "' wants " + wanted + ", got '" + text + "'");
  }
  value = parsed;
}

}  // namespace

ConfigSource ConfigSource::from_file(const std::filesystem::path& path) {
  if (!std::filesystem::is_regular_file(path)) {
    throw Error(ErrorCode::kIo, "config: no file '" + path.string() + "'");
  }
  ConfigSource source;
  try {
    flatten(toml::parse_file(path.string()), "", source.values_);
  } catch (const toml::parse_error& error) {
    throw Error(ErrorCode::kConfig,
                concat_message("config: '", path.string(), "' line ", error.source().begin.line,
                               ": ", error.description()));
  }
  return source;
}

void ConfigSource::set(std::string_view assignment) {
  const size_t equals = assignment.find('=');
  if (equals == 0 || equals == std::string_view::npos) {
    throw Error(ErrorCode::kConfig,
                concat_message("--set wants key=value, got '", assignment, "'"));
  }
  values_[std::string(assignment.substr(0, equals))] = std::string(assignment.substr(equals + 1));
}

void ConfigSource::Reader::check_all_known() const {
  for (const auto& [key, value] : values_) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const auto nearest = std::min_element(known_.begin(), known_.end(),
                                          [&key = key](const std::string& a, const std::string& b) {
                                            return edit_distance(a, key) < edit_distance(b, key);
                                          });
    throw Error(ErrorCode::kConfig,
                "config: unknown key '" + key + "'" +
                    (nearest == known_.end() ? "" : "; did you mean '" + *nearest + "'?"));
  }
}

void ConfigSource::Reader::assign(const std::string& key, const std::string& text, bool& value) {
  if (text != "true" && text != "false") {
    throw Error(ErrorCode::kConfig,
                "config: '" + key + "' wants true or false, got '" + text + "'");
  }
  value = text == "true";
}

void ConfigSource::Reader::assign(const std::string& key, const std::string& text, int64_t& value) {
  parse_number(key, text, "a whole number", value);
}

void ConfigSource::Reader::assign(const std::string& key, const std::string& text, double& value) {
  parse_number(key, text, "a number", value);
}

void ConfigSource::Reader::assign(const std::string& /*key*/, const std::string& text,
                                  std::string& value) {
  value = text;
}

void ConfigSource::Reader::assign(const std::string& key, const std::string& text,
                                  std::vector<int64_t>& value) {
  std::vector<int64_t> parsed;
  std::istringstream in(text);
  for (std::string item; std::getline(in, item, ',');) {
    parse_number(key, item, "whole numbers", parsed.emplace_back());
  }
  value = std::move(parsed);
}

void ConfigPrinter::add(const std::string& key, const std::string& value, const char* help) {
  text_ += key + " = " + value + "  # " + help + "\n";
}

std::string ConfigPrinter::to_text(bool value) { return value ? "true" : "false"; }
std::string ConfigPrinter::to_text(int64_t value) { return std::to_string(value); }
std::string ConfigPrinter::to_text(double value) { return concat_message(value); }
std::string ConfigPrinter::to_text(const std::string& value) { return '"' + value + '"'; }
std::string ConfigPrinter::to_text(const std::vector<int64_t>& value) {
  std::string text = "[";
  for (size_t i = 0; i < value.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(value[i]);
  }
  return text + "]";
}

}  // namespace mw
