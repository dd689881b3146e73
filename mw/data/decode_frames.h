// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "mw/data/clip.h"

namespace mw::data {

/// Every frame of a video that must be of this size and length. Throws Error, naming the file, when
/// it is damaged or other than wanted, or when this build has no FFmpeg.
Frames decode_frames(const std::filesystem::path& path, int width, int height, int64_t num_frames);

}  // namespace mw::data
