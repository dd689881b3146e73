// SPDX-License-Identifier: Apache-2.0
#include "mw/data/frame_row.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "mw/action/json_rows.h"
#include "mw/action/number.h"
#include "mw/core/error.h"

namespace mw::data {
namespace {

using action::Action;
using action::Key;
using nlohmann::json;

constexpr double kDegreesPerUnit = 15;  // Micro-World stores turns divided by this.

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorCode::kFormat, what); }

/// 1 for the first key alone, 2 for the second alone: how Micro-World codes opposite keys.
int either(const Action& action, Key first, Key second) {
  if (action.is_pressed(first) == action.is_pressed(second)) return 0;
  return action.is_pressed(first) ? 1 : 2;
}

/// The double that prints as the float does: 0.1, not 0.10000000149011612.
double as_written(float value) { return *action::parse_number(action::number_text(value)); }

int jump_code(const Action& action) {
  if (action.is_pressed(Key::kSpace)) return 1;
  if (action.is_pressed(Key::kShift)) return 2;
  return action.is_pressed(Key::kCtrl) ? 3 : 0;
}

const json& field(const json& row, const char* name) {
  const auto found = row.find(name);
  if (found == row.end()) fail(std::string("'") + name + "' is missing");
  return *found;
}

double number(const json& value, const char* name) {
  if (!value.is_number() || !std::isfinite(value.get<double>())) {
    fail(std::string("'") + name + "' must be a finite number");
  }
  return value.get<double>();
}

bool flag(const json& row, const char* name) {
  const json& value = field(row, name);
  if (value != 0 && value != 1) fail(std::string("'") + name + "' must be 0 or 1");
  return value == 1;
}

std::array<double, 3> vector3(const json& row, const char* name) {
  const json& value = field(row, name);
  if (!value.is_array() || value.size() != 3) fail(std::string("'") + name + "' must be [x, y, z]");
  return {number(value[0], name), number(value[1], name), number(value[2], name)};
}

FrameRow row_from_json(const json& line, int64_t index) {
  FrameRow row;
  row.action = action::action_from_json(line, index);
  row.pitch = number(field(line, "pitch"), "pitch");
  row.yaw = number(field(line, "yaw"), "yaw");
  row.position = vector3(line, "pos");
  row.delta_position = vector3(line, "delta_pos");
  row.is_collision = flag(line, "collision");
  row.is_jump_invalid = flag(line, "jump_invalid");
  row.time_of_day = number(field(line, "time_of_day"), "time_of_day");
  if (row.time_of_day < 0 || row.time_of_day > 1) fail("'time_of_day' must be 0 to 1");
  const json& biome = field(line, "biome");
  if (!biome.is_string()) fail("'biome' must be text");
  row.biome = biome.get<std::string>();
  return row;
}

}  // namespace

std::string to_json_line(const FrameRow& row, int64_t index) {
  const Action& action = row.action;
  nlohmann::ordered_json line;
  line["frame"] = index;
  line["keys"] = action.keys;
  line["mouse"] = {as_written(action.pitch), as_written(action.yaw)};
  line["ws"] = either(action, Key::kW, Key::kS);
  line["ad"] = either(action, Key::kA, Key::kD);
  line["scs"] = jump_code(action);
  line["pitch"] = row.pitch;
  line["yaw"] = row.yaw;
  line["pitch_delta"] = as_written(action.pitch) / kDegreesPerUnit;
  line["yaw_delta"] = as_written(action.yaw) / kDegreesPerUnit;
  line["pos"] = row.position;
  line["delta_pos"] = row.delta_position;
  line["collision"] = int{row.is_collision};
  line["jump_invalid"] = int{row.is_jump_invalid};
  line["time_of_day"] = row.time_of_day;
  line["biome"] = row.biome;
  return line.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::vector<FrameRow> parse_rows(std::string_view text) {
  std::vector<FrameRow> rows;
  action::for_each_json_line(
      text, [&](const json& line, int64_t index) { rows.push_back(row_from_json(line, index)); });
  return rows;
}

action::ActionTrack actions_of(const std::vector<FrameRow>& rows) {
  std::vector<Action> actions;
  actions.reserve(rows.size());
  for (const FrameRow& row : rows) actions.push_back(row.action);
  return action::ActionTrack(std::move(actions));
}

action::ActionTrack cleaned_actions_of(const std::vector<FrameRow>& rows) {
  std::vector<Action> actions;
  actions.reserve(rows.size());
  for (const FrameRow& row : rows) {
    Action action = row.action;
    const auto release = [&](std::initializer_list<Key> keys) {
      for (const Key key : keys) action.keys[static_cast<size_t>(key)] = 0;
    };
    if (row.is_collision) release({Key::kW, Key::kS, Key::kA, Key::kD});
    if (row.is_jump_invalid) release({Key::kSpace, Key::kShift, Key::kCtrl});
    actions.push_back(action);
  }
  return action::ActionTrack(std::move(actions));
}

void mark_collisions(std::vector<FrameRow>& rows, const CollisionThresholds& thresholds) {
  bool was_valid_jump = false;
  for (size_t i = 0; i < rows.size(); ++i) {
    FrameRow& row = rows[i];
    row.delta_position = {};
    row.is_collision = row.is_jump_invalid = false;
    if (i == 0) continue;
    for (size_t axis = 0; axis < 3; ++axis) {
      row.delta_position[axis] = row.position[axis] - rows[i - 1].position[axis];
    }
    const auto [dx, dy, dz] = row.delta_position;
    row.is_collision = std::abs(dx) <= thresholds.ground && std::abs(dz) <= thresholds.ground;
    const bool is_rising_jump = jump_code(row.action) == 1 && dy > thresholds.height;
    row.is_jump_invalid = jump_code(row.action) == 1 && (!is_rising_jump || was_valid_jump);
    was_valid_jump = is_rising_jump;
  }
}

}  // namespace mw::data
