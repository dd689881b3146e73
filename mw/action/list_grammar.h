// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "mw/action/action_track.h"

namespace mw::action {

/// Parses Micro-World's action list, for example
/// `[[10, "0 1 0 0 0 0 0 0 0"], [80, "0 0 0 1 0 0 0 0 0"], "30 65"]`.
///
/// Each pair holds its last frame and nine numbers `w s a d shift ctrl _ mouse_y mouse_x`: another
/// order than that of an action vector, the seventh ignored. The first pair begins at frame 1. The
/// closing text lists the frames with a jump; numbers outside the track do nothing there.
/// Throws Error kFormat with the segment, what was wanted and what was found.
/// Source: `parse_action_list` of github.com/AMD-AGI/Micro-World; the checks are ours.
ActionTrack parse_action_list(std::string_view text);

}  // namespace mw::action
