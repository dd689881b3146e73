// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mw/data/dataset.h"
#include "mw/engine/world.h"
#include "mw/video/image.h"

namespace mw::eval {

/// A recorded clip's opening, in memory: frames, and the actions that led into them.
struct HeldOutStart {
  std::string id;
  double pitch = 0;  ///< Of the camera in frame 0, in degrees.
  std::vector<video::Image> frames;
  std::vector<action::Action> actions;  ///< One per frame.
};

/// The first `num_frames` + 1 frames of up to `count` clips of a split that are long enough, spread
/// evenly over it. Throws Error kInvalidArgument when there is none.
std::vector<HeldOutStart> held_out_starts(const data::Dataset& dataset, const std::string& split,
                                          int64_t count, int64_t num_frames);

/// How often pictures moved the commanded way.
struct Obedience {
  int64_t num_obeyed = 0;
  int64_t num_pairs = 0;
  double share() const;  ///< 0 without pairs.
};

/// What a world's roll-outs under the recorded actions are worth. Frame 0 is given, not scored.
struct HeldOutScores {
  double psnr = 0;  ///< Mean over frames, each at most 35 dB, so that still clips don't decide.
  double ssim = 0;  ///< Mean over frames.
  std::vector<double> psnr_by_frame;
  Obedience yaw, pitch;    ///< Sign of the picture's shift where the command is a clear turn.
  double turn_ratio = 0;   ///< Median of shift over the shift that the commanded yaw implies.
  int64_t num_frames = 0;  ///< Scored in all.
};

/// Rolls something from every start under its recorded actions and compares it with the recording.
/// `roll_out` returns as many frames as it is given actions, frame 0 included. `on_done` hears how
/// many starts are done.
using RollOut = std::function<std::vector<video::Image>(const HeldOutStart&)>;
HeldOutScores score_held_out(const std::vector<HeldOutStart>& starts, const RollOut& roll_out,
                             const std::function<void(int64_t)>& on_done);

/// A roll-out by a world; one seed for every start.
RollOut roll_out_of(engine::World& world, uint64_t seed);

/// The recording itself: the ceiling of the obedience figures.
RollOut recording();

/// The world under the actions of another start: the floor of the obedience figures.
RollOut shuffled(const std::vector<HeldOutStart>& starts, RollOut roll_out);

}  // namespace mw::eval
