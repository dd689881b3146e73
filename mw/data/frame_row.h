// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mw/action/action_space.h"
#include "mw/action/action_track.h"

namespace mw::data {

/// What was recorded beside frame k: the action that led into it, and where the player then was.
/// Lengths are in nodes (blocks), angles in degrees; x east, y up, z north.
struct FrameRow {
  action::Action action;
  double pitch = 0;                        ///< Absolute, positive looks down.
  double yaw = 0;                          ///< Absolute, clockwise from north (+z).
  std::array<double, 3> position{};        ///< Of the feet.
  std::array<double, 3> delta_position{};  ///< Since the frame before; zero in row 0.
  bool is_collision = false;               ///< Did not move over the ground.
  bool is_jump_invalid = false;            ///< Space was held without a new jump.
  double time_of_day = 0.5;                ///< 0 and 1 midnight, 0.5 noon.
  std::string biome;

  bool operator==(const FrameRow&) const = default;
};

/// One row as a line of `actions/ID.jsonl`, without the newline. It carries the names and units of
/// Micro-World's metadata (`ws`, `ad`, `scs`, deltas in units of 15 degrees) beside our own.
std::string to_json_line(const FrameRow& row, int64_t index);

/// Every row of such a file. Throws Error kFormat with the line, what was wanted and what was
/// found.
std::vector<FrameRow> parse_rows(std::string_view text);

/// The actions of the rows as they were given.
action::ActionTrack actions_of(const std::vector<FrameRow>& rows);

/// The same without what had no effect: no W S A D where the player did not move, no Space, Shift
/// or Ctrl where a jump was invalid. Source: `process_collisions` of
/// github.com/AMD-AGI/Micro-World.
action::ActionTrack cleaned_actions_of(const std::vector<FrameRow>& rows);

/// How `mark_collisions` judges, in nodes per frame.
struct CollisionThresholds {
  double ground = 0.01;  ///< Moving at most so far along x and along z is a collision.
  double height = 0.01;  ///< Rising at most so far makes a jump invalid.
};

/// Sets delta_position, is_collision and is_jump_invalid from positions and keys. Within one run of
/// valid jump frames only the first stays valid. Row 0 gets zeros.
/// Source: `detection.py` of github.com/KwaiVGI/GameFactory.
void mark_collisions(std::vector<FrameRow>& rows, const CollisionThresholds& thresholds = {});

}  // namespace mw::data
