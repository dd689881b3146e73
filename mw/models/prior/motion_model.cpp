// SPDX-License-Identifier: Apache-2.0
#include "mw/models/prior/motion_model.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mw::prior {

Motion MotionModel::next(const Motion& motion, const action::Action& action) const {
  using action::Key;
  Motion moved = motion;
  moved.yaw += action.yaw;
  moved.pitch = std::clamp(motion.pitch + action.pitch, -89.5, 89.5);

  // What the keys ask for, over the ground and along the yaw of the new frame.
  const auto axis = [&](Key plus, Key minus) {
    return static_cast<double>(action.is_pressed(plus)) - action.is_pressed(minus);
  };
  const double ahead = axis(Key::kW, Key::kS), aside = axis(Key::kD, Key::kA);
  const double length = std::hypot(ahead, aside);
  const double speed = action.is_pressed(Key::kShift)  ? config_.sneak_speed
                       : action.is_pressed(Key::kCtrl) ? config_.sprint_speed
                                                       : config_.walk_speed;
  const double factor = length > 0 ? speed / length : 0;
  const double yaw = moved.yaw * std::numbers::pi / 180;
  const double wanted_x = factor * (ahead * std::sin(yaw) + aside * std::cos(yaw));
  const double wanted_z = factor * (ahead * std::cos(yaw) - aside * std::sin(yaw));

  // The velocity goes straight towards it, no faster than the acceleration allows.
  const double seconds = 1 / config_.fps;
  const bool was_airborne = motion.jump_height > 0;
  const bool is_airborne = was_airborne || action.is_pressed(Key::kSpace);
  const double change_x = wanted_x - motion.velocity[0], change_z = wanted_z - motion.velocity[2];
  const double change = std::hypot(change_x, change_z);
  const double limit = (is_airborne ? config_.air_acceleration : config_.acceleration) * seconds;
  const double share = change > limit ? limit / change : 1;
  moved.velocity[0] += share * change_x;
  moved.velocity[2] += share * change_z;

  double rise = motion.velocity[1];
  if (!was_airborne) rise = action.is_pressed(Key::kSpace) ? config_.jump_speed : 0;
  const double fall = is_airborne ? config_.gravity * seconds : 0;
  moved.jump_height = std::max(0.0, motion.jump_height + (rise - 0.5 * fall) * seconds);
  moved.velocity[1] = moved.jump_height > 0 ? rise - fall : 0;

  // Velocities change evenly within a frame, so the mean of both ends counts.
  moved.position[0] += 0.5 * (motion.velocity[0] + moved.velocity[0]) * seconds;
  moved.position[1] += moved.jump_height - motion.jump_height;
  moved.position[2] += 0.5 * (motion.velocity[2] + moved.velocity[2]) * seconds;
  return moved;
}

}  // namespace mw::prior
