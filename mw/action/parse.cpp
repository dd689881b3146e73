// SPDX-License-Identifier: Apache-2.0
#include "mw/action/parse.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include "mw/action/json_rows.h"
#include "mw/action/list_grammar.h"
#include "mw/action/number.h"
#include "mw/action/script.h"
#include "mw/core/error.h"

namespace mw::action {
namespace {

// A full track of recorded lines, with room to spare.
constexpr size_t kMaxFileBytes = size_t{1} << 30;
constexpr size_t kMaxPathBytes = 4096;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text;
  char part[1 << 16];
  while (in.read(part, sizeof(part)) || in.gcount() > 0) {
    text.append(part, static_cast<size_t>(in.gcount()));
    if (text.size() > kMaxFileBytes) {
      throw Error(ErrorCode::kFormat, concat_message("more than ", kMaxFileBytes, " bytes"));
    }
  }
  if (!in.eof()) throw Error(ErrorCode::kIo, "cannot be read");
  return text;
}

/// Whether somebody who wrote this meant a file.
bool looks_like_path(std::string_view text) {
  return text.find('/') != std::string_view::npos || text.ends_with(".json") ||
         text.ends_with(".jsonl") || text.ends_with(".txt");
}

}  // namespace

ActionTrack parse_action_text(std::string_view text) {
  const auto first = std::find_if_not(text.begin(), text.end(), is_space);
  if (first == text.end()) {
    throw Error(ErrorCode::kFormat,
                "empty; wanted a script such as 'w*16, right(3)*20', a list or JSON lines");
  }
  if (*first == '[') return parse_action_list(text);
  if (*first == '{') return parse_json_lines(text);
  return parse_script(text);
}

ActionTrack parse_actions(std::string_view file_or_text) {
  std::error_code ignored;
  const std::string name(file_or_text.substr(0, kMaxPathBytes));
  const bool may_be_file = !file_or_text.empty() && file_or_text.size() < kMaxPathBytes &&
                           file_or_text.find('\0') == std::string_view::npos;
  if (may_be_file && std::filesystem::exists(name, ignored)) {
    try {
      if (std::filesystem::is_directory(name)) throw Error(ErrorCode::kIo, "is a folder");
      return parse_action_text(read_file(name));
    } catch (const Error& error) {
      throw Error(error.code(), "actions " + quote_text(name) + ": " + error.what());
    }
  }
  try {
    return parse_action_text(file_or_text);
  } catch (const Error& error) {
    if (may_be_file && looks_like_path(file_or_text)) {
      throw Error(ErrorCode::kIo, "actions: no file " + quote_text(name));
    }
    throw Error(error.code(), std::string("actions: ") + error.what());
  }
}

}  // namespace mw::action
