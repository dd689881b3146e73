// SPDX-License-Identifier: Apache-2.0
#include "mw/action/action_track.h"

#include <algorithm>
#include <utility>

#include "mw/core/error.h"

namespace mw::action {

ActionTrack::ActionTrack(std::vector<Action> rows) : rows_(std::move(rows)) {
  if (rows_.empty() || static_cast<int64_t>(rows_.size()) > kMaxRows) {
    throw Error(ErrorCode::kFormat,
                concat_message("actions must have 1 to ", kMaxRows, " rows, found ", rows_.size()));
  }
  for (size_t i = 0; i < rows_.size(); ++i) {
    try {
      check_action(rows_[i]);
    } catch (const Error& error) {
      throw Error(error.code(), concat_message("row ", i, ": ", error.what()));
    }
  }
  if (rows_[0] != Action()) {
    throw Error(ErrorCode::kFormat,
                "row 0: must have no key and no turn, as nothing leads into the start frame");
  }
}

ActionTrack ActionTrack::resized(int64_t num_frames) const {
  MW_CHECK(num_frames >= 1 && num_frames <= kMaxRows, "actions: wanted 1 to ", kMaxRows,
           " frames, got ", num_frames);
  ActionTrack track = *this;
  track.rows_.resize(static_cast<size_t>(num_frames));
  return track;
}

ActionTrack ActionTrack::window(int64_t first, int64_t num_frames) const {
  MW_CHECK(first >= 0 && num_frames >= 1 && first <= this->num_frames() - num_frames,
           "actions: frames ", first, " to ", first + num_frames, " are not within 0 to ",
           this->num_frames());
  ActionTrack track;
  const auto begin = rows_.begin() + first;
  track.rows_.assign(begin, begin + num_frames);
  track.rows_[0] = Action();
  return track;
}

std::vector<float> ActionTrack::keyboard() const {
  std::vector<float> values;
  values.reserve(rows_.size() * kNumKeys);
  for (const Action& row : rows_) values.insert(values.end(), row.keys.begin(), row.keys.end());
  return values;
}

std::vector<float> ActionTrack::mouse() const {
  std::vector<float> values;
  values.reserve(rows_.size() * kNumMouse);
  for (const Action& row : rows_) values.insert(values.end(), {row.pitch, row.yaw});
  return values;
}

}  // namespace mw::action
