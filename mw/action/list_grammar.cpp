// SPDX-License-Identifier: Apache-2.0
#include "mw/action/list_grammar.h"

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "mw/action/number.h"
#include "mw/core/error.h"

namespace mw::action {
namespace {

constexpr size_t kMaxTextBytes = size_t{64} << 20;
constexpr const char* kOrder = "'w s a d shift ctrl _ mouse_y mouse_x'";

// What the first six numbers press, in the order of the text.
constexpr std::array kTextKeys = {Key::kW, Key::kS, Key::kA, Key::kD, Key::kShift, Key::kCtrl};
constexpr size_t kNumNumbers = 9, kPitch = 7, kYaw = 8;

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorCode::kFormat, what); }

std::string found_text(const nlohmann::json& value) {
  if (value.is_array()) return concat_message("a list of ", value.size());
  if (value.is_object()) return "an object";
  return quote_text(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

nlohmann::json parse_json(std::string_view text) {
  if (text.size() > kMaxTextBytes) {
    fail(concat_message("list of ", text.size(), " bytes, at most ", kMaxTextBytes));
  }
  // Pairs lie one level deep; stopping there keeps hostile nesting from costing memory.
  constexpr int kMaxDepth = 2;
  const auto check_depth = [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    if (depth > kMaxDepth) fail("list nested deeper than [[end, \"numbers\"], \"jumps\"]");
    return true;
  };
  try {
    return nlohmann::json::parse(text, check_depth);
  } catch (const nlohmann::json::exception& error) {
    const auto* place = dynamic_cast<const nlohmann::json::parse_error*>(&error);
    fail(concat_message("list is not JSON at column ", place != nullptr ? place->byte : 0,
                        "; wanted [[end, \"9 numbers\"], ..., \"jump frames\"] in double quotes"));
  }
}

Action parse_segment(const std::string& text) {
  const std::vector<std::string_view> words = split_words(text);
  if (words.size() != kNumNumbers) {
    fail(concat_message("wanted 9 numbers ", kOrder, ", found ", words.size()));
  }
  std::array<double, kNumNumbers> values{};
  for (size_t i = 0; i < kNumNumbers; ++i) {
    const auto value = parse_number(words[i]);
    if (!value)
      fail(concat_message("number ", i + 1, " of ", kOrder, " is ", quote_text(words[i])));
    values[i] = *value;
  }
  Action action;
  for (size_t i = 0; i < kTextKeys.size(); ++i) {
    const double held = std::trunc(values[i]);  // The reference truncates too.
    const auto key = static_cast<size_t>(kTextKeys[i]);
    if (held != 0 && held != 1) {
      fail(concat_message("key ", kKeyNames[key], " must be 0 or 1, found ", quote_text(words[i])));
    }
    action.keys[key] = static_cast<uint8_t>(held);
  }
  action.pitch = static_cast<float>(values[kPitch]);
  action.yaw = static_cast<float>(values[kYaw]);
  check_action(action);
  return action;
}

int64_t parse_end(const nlohmann::json& pair, int64_t previous_end) {
  if (!pair.is_array() || pair.size() != 2 || !pair[1].is_string()) {
    fail("wanted [end, \"9 numbers\"], found " + found_text(pair));
  }
  const bool is_whole = pair[0].is_number_integer();
  // Numbers past the range of int64 wrap to negative ones and fail the next check.
  const int64_t end = is_whole ? pair[0].get<int64_t>() : 0;
  if (!is_whole || end <= previous_end || end >= kMaxRows) {
    fail(concat_message("its last frame must be a whole number from ", previous_end + 1, " to ",
                        kMaxRows - 1, ", found ", found_text(pair[0])));
  }
  return end;
}

void press_jumps(const std::string& text, std::vector<Action>& rows) {
  for (const std::string_view word : split_words(text)) {
    const auto frame = parse_whole_number(word);
    if (!frame || *frame < 0) {
      fail("jump frames: wanted whole numbers, found " + quote_text(word));
    }
    if (*frame >= 1 && *frame < static_cast<int64_t>(rows.size())) {
      rows[static_cast<size_t>(*frame)].keys[static_cast<size_t>(Key::kSpace)] = 1;
    }
  }
}

}  // namespace

ActionTrack parse_action_list(std::string_view text) {
  const nlohmann::json list = parse_json(text);
  if (!list.is_array() || list.size() < 2 || !list.back().is_string()) {
    fail(
        "wanted a list of at least one [end, \"9 numbers\"] and, last, a text of jump frames (\"\" "
        "for none)" +
        (list.is_array() && !list.empty() ? ", found last " + found_text(list.back())
                                          : ", found " + found_text(list)));
  }
  std::vector<Action> rows(1);
  for (size_t i = 0; i + 1 < list.size(); ++i) {
    try {
      const int64_t end = parse_end(list[i], static_cast<int64_t>(rows.size()) - 1);
      const Action action = parse_segment(list[i][1].get_ref<const std::string&>());
      rows.resize(static_cast<size_t>(end) + 1, action);
    } catch (const Error& error) {
      throw Error(error.code(), concat_message("segment ", i + 1, ": ", error.what()));
    }
  }
  press_jumps(list.back().get_ref<const std::string&>(), rows);
  return ActionTrack(std::move(rows));
}

}  // namespace mw::action
