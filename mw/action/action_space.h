// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mw::action {

/// Keys of an action vector, in its order: forward, back, left, right, jump, sneak, sprint.
inline constexpr int kNumKeys = 7;
inline constexpr std::array<std::string_view, kNumKeys> kKeyNames = {"w",     "s",     "a",   "d",
                                                                     "space", "shift", "ctrl"};
enum class Key { kW, kS, kA, kD, kSpace, kShift, kCtrl };

/// Mouse values of an action vector, in its order: pitch, yaw.
inline constexpr int kNumMouse = 2;

/// Largest turn in one frame that is accepted, in degrees.
inline constexpr float kMaxTurn = 180;

/// What a player does between one frame and the next.
struct Action {
  std::array<uint8_t, kNumKeys> keys{};  ///< 1 = held; any combination.
  float pitch = 0;                       ///< Degrees per frame, positive looks down.
  float yaw = 0;                         ///< Degrees per frame, positive looks right.

  bool is_pressed(Key key) const { return keys[static_cast<size_t>(key)] != 0; }
  bool operator==(const Action&) const = default;
};

/// Index of a key by its name, whatever its case.
std::optional<int> key_index(std::string_view name);

/// Throws Error kFormat unless keys are 0 or 1 and turns finite and within `kMaxTurn`.
void check_action(const Action& action);

}  // namespace mw::action
