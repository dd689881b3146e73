// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "mw/video/image.h"

namespace mw::video {

/// How a video is encoded.
struct VideoConfig {
  int width = 0;   ///< In pixels; even, as 4:2:0 chroma wants.
  int height = 0;  ///< In pixels; even.
  double fps = 16;
  int crf = 18;                     ///< x264's constant quality, 0 (lossless) to 51.
  int num_threads = 1;              ///< Of the encoder.
  std::string preset = "veryfast";  ///< x264's trade of time for size.
};

/// Writes an H.264 mp4 (4:2:0, BT.601 limited range, index in front) that appears under its name
/// only when `finish()` has run. Equal frames and configuration give equal bytes. Owned by one
/// thread.
class VideoWriter {
 public:
  /// Throws Error kInvalidArgument for sizes or settings that H.264 can't have, kIo when the file
  /// can't be written or this FFmpeg lacks the encoder.
  VideoWriter(const std::filesystem::path& path, const VideoConfig& config);
  ~VideoWriter();
  VideoWriter(VideoWriter&&) noexcept;
  VideoWriter& operator=(VideoWriter&&) noexcept;

  /// Adds a frame of the configured size. Throws Error kInvalidArgument for another size, kIo when
  /// the disk refuses.
  void write(const Image& image);

  /// Completes the file and gives it its name. Throws Error kInvalidArgument when no frame was
  /// written, kIo when the disk refuses. Without it, the destructor leaves nothing behind.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mw::video
