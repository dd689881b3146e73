// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "mw/action/action_track.h"

namespace mw::action {

/// How far `left`, `right`, `up` and `down` turn per frame when the script does not say, in
/// degrees.
inline constexpr float kDefaultTurn = 3;

/// Parses a script such as `w*16, w+right(3)*20, w+space*4, none*8`.
///
/// Segments stand between commas: names joined by `+`, then `*` and for how many frames. Names are
/// w a s d space shift ctrl, left right up down with degrees per frame in parentheses, or none;
/// upper case is the same. The first frame of the script is row 1 of the track.
/// Throws Error kFormat with the segment, the column, what was wanted and what was found.
ActionTrack parse_script(std::string_view text);

/// The script that gives this track, equal rows joined to one segment.
/// Throws Error kInvalidArgument for a track of one row, which no script gives.
std::string to_script(const ActionTrack& track);

}  // namespace mw::action
