// SPDX-License-Identifier: Apache-2.0
#include "mw/action/json_rows.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "mw/action/number.h"
#include "mw/core/error.h"

namespace mw::action {
namespace {

constexpr size_t kMaxLineBytes = 1 << 16;  // A recorded line has about 400.

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorCode::kFormat, what); }

const nlohmann::json& list_of(const nlohmann::json& row, const char* name, size_t size) {
  const auto found = row.find(name);
  if (found == row.end()) fail(std::string("'") + name + "' is missing");
  if (!found->is_array() || found->size() != size) {
    fail(concat_message("'", name, "' must be a list of ", size,
                        found->is_array() ? concat_message(", found ", found->size()) : ""));
  }
  return *found;
}

nlohmann::json parse_line(std::string_view line) {
  if (line.size() > kMaxLineBytes) {
    fail(concat_message("it has ", line.size(), " bytes, at most ", kMaxLineBytes));
  }
  nlohmann::json row = nlohmann::json::parse(line, nullptr, false);
  if (!row.is_object()) fail("wanted a JSON object, found " + quote_text(line));
  return row;
}

}  // namespace

Action action_from_json(const nlohmann::json& row, int64_t index) {
  const auto frame = row.find("frame");
  if (frame != row.end() && *frame != index) {
    fail(concat_message("'frame' must be ", index, ": rows count from 0 without a gap"));
  }
  Action action;
  const nlohmann::json& keys = list_of(row, "keys", kNumKeys);
  for (size_t i = 0; i < kNumKeys; ++i) {
    if (keys[i] != 0 && keys[i] != 1) {
      fail(concat_message("'keys' number ", i + 1, " (", kKeyNames[i], ") must be 0 or 1"));
    }
    action.keys[i] = keys[i] == 1 ? 1 : 0;
  }
  const nlohmann::json& mouse = list_of(row, "mouse", kNumMouse);
  if (!mouse[0].is_number() || !mouse[1].is_number()) fail("'mouse' must be [pitch, yaw] numbers");
  action.pitch = mouse[0].get<float>();
  action.yaw = mouse[1].get<float>();
  check_action(action);
  return action;
}

void for_each_json_line(std::string_view text,
                        const std::function<void(const nlohmann::json& row, int64_t index)>& read) {
  int64_t index = 0;
  for (int64_t line_number = 1; !text.empty(); ++line_number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (std::all_of(line.begin(), line.end(), is_space)) continue;
    if (index == kMaxRows) fail(concat_message("more than ", kMaxRows, " rows"));
    try {
      read(parse_line(line), index++);
    } catch (const Error& error) {
      throw Error(error.code(), concat_message("line ", line_number, ": ", error.what()));
    }
  }
}

ActionTrack parse_json_lines(std::string_view text) {
  std::vector<Action> rows;
  for_each_json_line(text, [&](const nlohmann::json& row, int64_t index) {
    rows.push_back(action_from_json(row, index));
  });
  return ActionTrack(std::move(rows));
}

std::string to_json_lines(const ActionTrack& track) {
  std::string text;
  for (size_t i = 0; i < track.rows().size(); ++i) {
    const Action& row = track.rows()[i];
    text += "{\"frame\":" + std::to_string(i) + ",\"keys\":[";
    for (size_t key = 0; key < kNumKeys; ++key) {
      text += (key == 0 ? "" : ",") + std::to_string(row.keys[key]);
    }
    text += "],\"mouse\":[" + number_text(row.pitch) + "," + number_text(row.yaw) + "]}\n";
  }
  return text;
}

}  // namespace mw::action
