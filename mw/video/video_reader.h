// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "mw/video/image.h"

namespace mw::video {

/// Frames of a video file, one after another. Owned by one thread.
class VideoReader {
 public:
  /// num_threads: of the decoder.
  /// Throws Error kIo when the file can't be read, kFormat when it is no video; both name it.
  explicit VideoReader(const std::filesystem::path& path, int num_threads = 1);
  ~VideoReader();
  VideoReader(VideoReader&&) noexcept;
  VideoReader& operator=(VideoReader&&) noexcept;

  /// The next frame, or nothing at the end. Throws Error kFormat, naming the file and the frame,
  /// when its data are damaged or end before the file's own index does.
  std::optional<Image> next();

  int width() const;
  int height() const;
  double fps() const;  ///< 0 when the file does not say.

  /// Frames in the whole file, when the file says so without decoding.
  std::optional<int64_t> num_frames() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Every frame of a file. Throws as `VideoReader` does, and kFormat when there is none.
std::vector<Image> read_clip(const std::filesystem::path& path, int num_threads = 1);

}  // namespace mw::video
