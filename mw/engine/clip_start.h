// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "mw/data/clip.h"
#include "mw/engine/world.h"

namespace mw::engine {

/// The start that goes on where a recorded clip is at `frame`, its last one when absent: up to
/// `kClipHistory` frames before it come along.
/// Throws Error kInvalidArgument when the clip is shorter, and what Clip::load_frames throws.
WorldStart start_from_clip(const data::Clip& clip, std::optional<int64_t> frame = std::nullopt);

/// A second of 16 frames: more than a world's window, and enough for its key frame.
inline constexpr int64_t kClipHistory = 16;

}  // namespace mw::engine
