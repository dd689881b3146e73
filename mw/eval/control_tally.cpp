// SPDX-License-Identifier: Apache-2.0
#include "mw/eval/control_tally.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include "mw/core/error.h"
#include "mw/eval/image_shift.h"

namespace mw::eval {
namespace {

constexpr double kLeastTurn = 1;     // Degrees per frame that must be seen.
constexpr double kRest = 0.2;        // Below, the mouse rests.
constexpr double kLeastShift = 0.1;  // Pixels below which a picture counts as still.
constexpr const char* kWalkNames[] = {"w", "s", "a", "d"};

bool holds_no_key(const action::Action& action) {
  return std::all_of(action.keys.begin(), action.keys.end(), [](uint8_t key) { return key == 0; });
}

bool mouse_rests(const action::Action& action) {
  return std::abs(action.pitch) < kRest && std::abs(action.yaw) < kRest;
}

/// The one of W S A D that is held alone.
std::optional<action::Key> walking_key(const action::Action& action) {
  if (!mouse_rests(action)) return std::nullopt;
  std::optional<action::Key> held;
  for (size_t i = 0; i < action.keys.size(); ++i) {
    if (action.keys[i] == 0) continue;
    const auto key = static_cast<action::Key>(i);
    if (key == action::Key::kCtrl) continue;  // Sprinting is walking.
    if (held || key == action::Key::kSpace || key == action::Key::kShift) return std::nullopt;
    held = key;
  }
  return held;
}

}  // namespace

double Obedience::median_ratio() const {
  if (ratios.empty()) return 0;
  std::vector<double> sorted = ratios;
  std::sort(sorted.begin(), sorted.end());
  return sorted[sorted.size() / 2];
}

void ControlTally::count(const std::string& name, bool is_obeyed) {
  Obedience& obedience = by_action_[name];
  ++obedience.pairs;
  obedience.obeyed += is_obeyed ? 1 : 0;
}

void ControlTally::add(std::span<const video::Image> frames,
                       std::span<const action::Action> actions) {
  MW_CHECK(frames.size() == actions.size(), "ControlTally: ", frames.size(), " frames under ",
           actions.size(), " actions");
  for (size_t k = 1; k < frames.size(); ++k) add_turn(frames[k - 1], frames[k], actions[k]);
  const auto gap = static_cast<size_t>(kWalkGap);
  for (size_t k = gap; k < frames.size(); ++k) {
    const std::optional<action::Key> key = walking_key(actions[k]);
    if (!key) continue;
    const auto same = [&](const action::Action& row) { return walking_key(row) == key; };
    if (std::all_of(actions.begin() + static_cast<std::ptrdiff_t>(k - gap + 1),
                    actions.begin() + static_cast<std::ptrdiff_t>(k), same)) {
      add_walk(frames[k - gap], frames[k], *key);
    }
  }
}

void ControlTally::add_turn(const video::Image& before, const video::Image& after,
                            const action::Action& action) {
  const bool is_yaw = std::abs(action.yaw) >= kLeastTurn && std::abs(action.pitch) < kRest;
  const bool is_pitch = std::abs(action.pitch) >= kLeastTurn && std::abs(action.yaw) < kRest;
  if (!(is_yaw || is_pitch) || !holds_no_key(action)) return;
  const Shift shift = image_shift(before, after, whole(before));
  // Looking right moves the picture left, looking down moves it up.
  const double moved = is_yaw ? -shift.x : -shift.y;
  const double commanded = is_yaw ? action.yaw : action.pitch;
  const char* name = is_yaw ? (commanded > 0 ? "right" : "left") : (commanded > 0 ? "down" : "up");
  count(name, std::abs(moved) >= kLeastShift && (moved > 0) == (commanded > 0));
  const double degrees = std::atan(moved / focal_) * 180 / std::numbers::pi;
  by_action_[name].ratios.push_back(degrees / commanded);
}

void ControlTally::add_walk(const video::Image& before, const video::Image& after,
                            action::Key key) {
  const int width = before.width, height = before.height;
  const Region left{0, 0, width / 2, height}, right{width - width / 2, 0, width / 2, height};
  const Region upper{0, 0, width, height / 2}, lower{0, height - height / 2, width, height / 2};
  double motion = 0;  // Positive is what the key asks for.
  if (key == action::Key::kW || key == action::Key::kS) {
    motion = image_shift(before, after, right).x - image_shift(before, after, left).x +
             image_shift(before, after, lower).y;
    if (key == action::Key::kS) motion = -motion;
  } else {
    motion = image_shift(before, after, lower).x - image_shift(before, after, upper).x;
    if (key == action::Key::kD) motion = -motion;  // Stepping right moves near things left.
  }
  count(kWalkNames[static_cast<size_t>(key)], motion >= kLeastShift);
}

Obedience ControlTally::turns() const {
  Obedience all;
  for (const char* name : {"left", "right", "up", "down"}) {
    const auto found = by_action_.find(name);
    if (found == by_action_.end()) continue;
    all.pairs += found->second.pairs;
    all.obeyed += found->second.obeyed;
    all.ratios.insert(all.ratios.end(), found->second.ratios.begin(), found->second.ratios.end());
  }
  return all;
}

}  // namespace mw::eval
