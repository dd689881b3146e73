// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/clip_start.h"

#include <algorithm>

#include "mw/core/error.h"

namespace mw::engine {
namespace {

video::Image image_of(const data::Frames& frames, int64_t index) {
  video::Image image = video::make_image(frames.width, frames.height);
  const auto size = static_cast<int64_t>(image.rgb.size());
  std::copy_n(frames.rgb.begin() + index * size, size, image.rgb.begin());
  return image;
}

}  // namespace

WorldStart start_from_clip(const data::Clip& clip, std::optional<int64_t> frame) {
  const int64_t last = frame.value_or(clip.num_frames() - 1);
  if (last < 0 || last >= clip.num_frames()) {
    throw Error(ErrorCode::kInvalidArgument,
                concat_message("clip '", clip.id(), "': wanted a frame from 0 to ",
                               clip.num_frames() - 1, ", got ", last));
  }
  const int64_t first = std::max<int64_t>(0, last - kClipHistory);
  const data::Frames frames = clip.load_frames();
  WorldStart start;
  start.image = image_of(frames, first);
  start.caption = clip.caption();
  start.pitch = clip.rows()[static_cast<size_t>(first)].pitch;
  for (int64_t k = first + 1; k <= last; ++k) {
    start.recorded.push_back(
        {.action = clip.rows()[static_cast<size_t>(k)].action, .image = image_of(frames, k)});
  }
  return start;
}

}  // namespace mw::engine
