// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mw/data/frame_row.h"

namespace mw::collect {

/// One English sentence about a clip, from what the game knows: land, light, and what the player
/// mostly does. The wording varies with `seed`. Throws Error kInvalidArgument without rows.
std::string make_caption(const std::vector<data::FrameRow>& rows, uint64_t seed);

}  // namespace mw::collect
