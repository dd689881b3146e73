// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "mw/action/action_track.h"
#include "mw/engine/world.h"

namespace mw::engine {

/// A session as it is written down: enough to render it again, frame for frame.
struct Recording {
  std::string model;           ///< Its name or folder.
  std::string dtype = "fp32";  ///< That it ran in.
  WorldStart start;            ///< Without noise of its own.
  action::ActionTrack actions;
};

/// Most frames of a clip that a start may bring along; a world's memory is shorter.
inline constexpr size_t kMostRecordedFrames = 256;

/// JSON lines: first `{"session":1,"model":...,"dtype":...,"start":{...}}` with the pictures as
/// data URLs of PNG, then the actions, a row per frame (see action/json_rows.h).
std::string to_json_lines(const Recording& recording);

/// Throws Error kFormat with what is wrong.
Recording parse_recording(std::string_view text);

/// The recording in a file; nothing when there is no such file or it does not open as one.
std::optional<Recording> find_recording(const std::filesystem::path& path);

/// A picture given as `data:image/...;base64,...`, of at most 32 megapixels. Throws Error kFormat.
video::Image decode_data_url(std::string_view url);

}  // namespace mw::engine
