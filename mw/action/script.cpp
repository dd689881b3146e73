// SPDX-License-Identifier: Apache-2.0
#include "mw/action/script.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "mw/action/number.h"
#include "mw/core/error.h"

namespace mw::action {
namespace {

constexpr const char* kWantedNames =
    "wanted w, a, s, d, space, shift, ctrl, left, right, up, down or none";

struct Turn {
  std::string_view name;
  float Action::*axis;
  float sign;
};
constexpr Turn kTurns[] = {{"left", &Action::yaw, -1},
                           {"right", &Action::yaw, 1},
                           {"up", &Action::pitch, -1},
                           {"down", &Action::pitch, 1}};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

/// Walks the text once from left to right.
class ScriptParser {
 public:
  explicit ScriptParser(std::string_view text) : text_(text) {}

  std::vector<Action> parse() {
    std::vector<Action> rows(1);
    while (true) {
      ++segment_;
      const Action action = parse_names();
      expect('*', "'*' and a number of frames");
      const int64_t num_frames = parse_frames(kMaxRows - static_cast<int64_t>(rows.size()));
      rows.insert(rows.end(), static_cast<size_t>(num_frames), action);
      skip_space();
      if (at_end()) return rows;
      expect(',', "',' or the end");
      skip_space();
      if (at_end()) return rows;  // A comma may close the last segment.
    }
  }

 private:
  Action parse_names() {
    Action action;
    Seen seen;
    do {
      parse_name(action, seen);
      skip_space();
    } while (accept('+'));
    if (seen.has_none && seen.num_names > 1) fail("'none' stands alone");
    return action;
  }

  struct Seen {
    int num_names = 0;
    bool has_none = false;
    std::vector<float Action::*> axes;
  };

  void parse_name(Action& action, Seen& seen) {
    skip_space();
    const size_t begin = place_;
    while (!at_end() && is_letter(text_[place_])) ++place_;
    const std::string name = lower_case(text_.substr(begin, place_ - begin));
    token_ = begin;
    ++seen.num_names;
    if (name.empty()) fail(std::string(kWantedNames) + ", found " + next_text());
    if (name == "none") {
      seen.has_none = true;
    } else if (const auto key = key_index(name)) {
      uint8_t& held = action.keys[static_cast<size_t>(*key)];
      if (held != 0) fail("'" + name + "' is given twice");
      held = 1;
    } else if (const Turn* turn = find_turn(name)) {
      if (std::count(seen.axes.begin(), seen.axes.end(), turn->axis) != 0) {
        fail(turn->axis == &Action::yaw ? "more than one of left and right"
                                        : "more than one of up and down");
      }
      seen.axes.push_back(turn->axis);
      action.*(turn->axis) = turn->sign * parse_degrees();
    } else {
      fail("unknown name " + quote_text(name) + ", " + kWantedNames);
    }
  }

  static const Turn* find_turn(std::string_view name) {
    const auto* found = std::find_if(std::begin(kTurns), std::end(kTurns),
                                     [&](const Turn& turn) { return turn.name == name; });
    return found == std::end(kTurns) ? nullptr : found;
  }

  float parse_degrees() {
    skip_space();
    if (!accept('(')) return kDefaultTurn;
    token_ = place_;
    const size_t end = std::min(text_.find(')', place_), text_.size());
    const std::string_view text = trimmed(text_.substr(place_, end - place_));
    const auto degrees = parse_number(text);
    if (!degrees || *degrees < 0 || *degrees > kMaxTurn) {
      fail(
          concat_message("wanted 0 to ", kMaxTurn, " degrees per frame, found ", quote_text(text)));
    }
    place_ = end;
    expect(')', "')'");
    return static_cast<float>(*degrees);
  }

  int64_t parse_frames(int64_t most) {
    skip_space();
    token_ = place_;
    const size_t end = std::min(text_.find(',', place_), text_.size());
    const std::string_view text = trimmed(text_.substr(place_, end - place_));
    const auto num_frames = parse_whole_number(text);
    if (!num_frames || *num_frames < 1) {
      fail("wanted a whole number of frames from 1, found " + quote_text(text));
    }
    if (*num_frames > most) {
      fail(concat_message(*num_frames, " frames make more than ", kMaxRows, " rows in all"));
    }
    place_ = end;
    return *num_frames;
  }

  bool at_end() const { return place_ == text_.size(); }
  void skip_space() {
    while (!at_end() && is_space(text_[place_])) ++place_;
  }
  bool accept(char wanted) {
    if (at_end() || text_[place_] != wanted) return false;
    ++place_;
    return true;
  }
  void expect(char wanted, const char* words) {
    skip_space();
    token_ = place_;
    if (!accept(wanted)) fail(std::string("wanted ") + words + ", found " + next_text());
  }

  static std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
  }
  std::string next_text() const {
    return at_end() ? "the end" : quote_text(text_.substr(place_, 1));
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kFormat,
                concat_message("segment ", segment_, ", column ", token_ + 1, ": ", what));
  }

  std::string_view text_;
  size_t place_ = 0;
  size_t token_ = 0;  // Where the last token began, for messages.
  int64_t segment_ = 0;
};

std::string names_text(const Action& action) {
  std::string text;
  const auto add = [&](const std::string& name) { text += (text.empty() ? "" : "+") + name; };
  for (size_t i = 0; i < kNumKeys; ++i) {
    if (action.keys[i] != 0) add(std::string(kKeyNames[i]));
  }
  for (const Turn& turn : kTurns) {
    const float degrees = turn.sign * action.*(turn.axis);
    if (degrees > 0) add(std::string(turn.name) + "(" + number_text(degrees) + ")");
  }
  return text.empty() ? "none" : text;
}

}  // namespace

ActionTrack parse_script(std::string_view text) { return ActionTrack(ScriptParser(text).parse()); }

std::string to_script(const ActionTrack& track) {
  MW_CHECK(track.num_frames() > 1, "actions: a track of one row has no script");
  const std::vector<Action>& rows = track.rows();
  std::string text;
  for (auto begin = rows.begin() + 1; begin != rows.end();) {
    const auto end =
        std::find_if(begin, rows.end(), [&](const Action& row) { return row != *begin; });
    text += (text.empty() ? "" : ", ") + names_text(*begin) + "*" + std::to_string(end - begin);
    begin = end;
  }
  return text;
}

}  // namespace mw::action
