// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "mw/action/action_space.h"

namespace mw::prior {

/// How the recorded player moves, in nodes and seconds; fitted to recorded positions.
struct MotionConfig {
  double fps = 16;
  double walk_speed = 4;
  double sprint_speed = 6;
  double sneak_speed = 1.35;
  double acceleration = 30;      ///< Over the ground, towards the wanted velocity.
  double air_acceleration = 20;  ///< The same while jumping.
  double jump_speed = 6.36;
  double gravity = 19.62;
};

/// Where the camera is, where it looks and how it moves.
struct Motion {
  double yaw = 0;                    ///< Degrees clockwise from +z.
  double pitch = 0;                  ///< Degrees, positive looks down.
  std::array<double, 3> position{};  ///< Nodes: east, up, north.
  std::array<double, 3> velocity{};  ///< Nodes per second.
  double jump_height = 0;            ///< Above the ground that was left; 0 on the ground.
};

/// Expects where an action takes the player, on open ground: turns exactly, walking with the
/// keys' speed along the new yaw (diagonals are no faster), jumps as a parabola back to the height
/// where they began. Const and shareable between threads.
class MotionModel {
 public:
  explicit MotionModel(const MotionConfig& config) : config_(config) {}

  /// The motion one frame later, under the action that leads into that frame.
  Motion next(const Motion& motion, const action::Action& action) const;

  const MotionConfig& config() const { return config_; }

 private:
  MotionConfig config_;
};

}  // namespace mw::prior
