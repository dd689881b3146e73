// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "mw/action/action_space.h"

namespace mw::action {

/// Most rows of a track: over 17 hours at 16 frames per second.
inline constexpr int64_t kMaxRows = 1'000'000;

/// One action per frame of a clip. Row k led into frame k; row 0, which leads into the start frame,
/// is always still.
class ActionTrack {
 public:
  /// A start frame and nothing after it.
  ActionTrack() : rows_(1) {}

  /// Throws Error kFormat, naming the row, when there are none or more than `kMaxRows`, when row 0
  /// is not still, or when a row is not an action (see `check_action`).
  explicit ActionTrack(std::vector<Action> rows);

  int64_t num_frames() const { return static_cast<int64_t>(rows_.size()); }
  const std::vector<Action>& rows() const { return rows_; }

  /// The first `num_frames` rows, followed by still ones where the track is shorter.
  ActionTrack resized(int64_t num_frames) const;

  /// `num_frames` rows from `first` on as a track of its own: its row 0 is made still.
  /// Throws Error kInvalidArgument when they are not all there.
  ActionTrack window(int64_t first, int64_t num_frames) const;

  /// [F, 7] and [F, 2] as models take them, row-major.
  std::vector<float> keyboard() const;
  std::vector<float> mouse() const;

  bool operator==(const ActionTrack&) const = default;

 private:
  std::vector<Action> rows_;
};

}  // namespace mw::action
