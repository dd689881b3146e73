// SPDX-License-Identifier: Apache-2.0
#include "mw/data/decode_frames.h"

#include <optional>
#include <string>

#include "mw/core/error.h"
#include "mw/video/video_reader.h"

namespace mw::data {

Frames decode_frames(const std::filesystem::path& path, int width, int height, int64_t num_frames) {
  const auto unlike = [&](const std::string& what) {
    return Error(ErrorCode::kFormat, "video '" + path.string() + "': " + what);
  };
  video::VideoReader reader(path);
  Frames frames{0, height, width, {}};
  frames.rgb.reserve(size_t{3} * static_cast<size_t>(width) * static_cast<size_t>(height) *
                     static_cast<size_t>(num_frames));
  while (const std::optional<video::Image> image = reader.next()) {
    if (image->width != width || image->height != height) {
      throw unlike(concat_message("frame ", frames.num_frames, " is ",
                                  video::size_text(image->width, image->height),
                                  ", the data set's are ", video::size_text(width, height)));
    }
    if (frames.num_frames == num_frames) {
      throw unlike(concat_message(num_frames, " rows of actions, more frames"));
    }
    frames.rgb.insert(frames.rgb.end(), image->rgb.begin(), image->rgb.end());
    ++frames.num_frames;
  }
  if (frames.num_frames != num_frames) {
    throw unlike(
        concat_message(num_frames, " rows of actions, only ", frames.num_frames, " frames"));
  }
  return frames;
}

}  // namespace mw::data
