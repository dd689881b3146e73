// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "mw/video/image.h"

namespace mw::app {

/// What a generated clip is written as.
struct ClipFormat {
  int width = 0, height = 0;  ///< Of the frames as they are written.
  double fps = 16;
  std::array<int64_t, 3> latent_shape{};  ///< C, h, w.
};

/// Where a generated clip goes, frame by frame. Unless `finish()` has run, nothing is left.
class ClipOutput {
 public:
  virtual ~ClipOutput() = default;
  /// `raw`: the frame as the model made it; `shown`: the same scaled and drawn over.
  virtual void write(const video::Image& raw, const video::Image& shown,
                     const std::vector<float>& latent) = 0;
  virtual void finish() = 0;
};

/// The output that a name asks for: FILE.mp4; FILE.safetensors with `latents` [1, C, F, h, w] and
/// `video` [1, 3, F, H, W] in [0, 1], raw; or DIR/NAME%05d.png, one file a frame.
/// Throws Error kInvalidArgument for another name, kIo when it can't be written.
std::unique_ptr<ClipOutput> open_clip_output(const std::string& name, const ClipFormat& format);

}  // namespace mw::app
