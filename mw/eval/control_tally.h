// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "mw/action/action_space.h"
#include "mw/video/image.h"

namespace mw::eval {

/// How often pictures moved as an action says.
struct Obedience {
  int64_t pairs = 0;   ///< Frame pairs under this action alone.
  int64_t obeyed = 0;  ///< Of those, with a motion of the right sign.
  /// Turns: measured by commanded angle of every pair.
  std::vector<double> ratios;

  double share() const { return pairs == 0 ? 0 : static_cast<double>(obeyed) / pairs; }
  /// Median of `ratios`, 0 without.
  double median_ratio() const;
};

/// Compares the motion of pictures with the actions that led into them.
///
/// Turns (`left`, `right`, `up`, `down`) are counted for neighbouring frames where the mouse moved
/// along that axis alone, at least one degree, and no key was held: the whole picture must shift
/// the other way, by `focal * tan(angle)`. Walking (`w`, `s`, `a`, `d`) is counted four frames
/// apart where that key alone was held and the mouse rested: under W the picture expands (its right
/// half moves right against the left half, its lower half down), under S it contracts; under A and
/// D the lower, nearer half moves sideways against the upper one. A picture that does not move
/// disobeys.
class ControlTally {
 public:
  static constexpr int64_t kWalkGap = 4;

  /// focal: of the camera, in pixels of these frames.
  explicit ControlTally(double focal) : focal_(focal) {}

  /// `actions[k]` led into `frames[k]`; both of one length.
  void add(std::span<const video::Image> frames, std::span<const action::Action> actions);

  const std::map<std::string, Obedience>& by_action() const { return by_action_; }
  /// All four turns together.
  Obedience turns() const;

 private:
  void add_turn(const video::Image& before, const video::Image& after,
                const action::Action& action);
  void add_walk(const video::Image& before, const video::Image& after, action::Key key);
  void count(const std::string& name, bool is_obeyed);

  double focal_;
  std::map<std::string, Obedience> by_action_;
};

}  // namespace mw::eval
