// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mw/video/ffmpeg.h"
#include "mw/video/image.h"

namespace mw::video {

/// Turns decoded frames of any pixel format into RGB, with the matrix, range and chroma position
/// that the frame is tagged with. Untagged YUV is taken as BT.601 below 720 lines, else BT.709.
/// Transparent pixels are laid over black. Owned by one thread.
class FrameToImage {
 public:
  /// Throws Error kFormat for a pixel format that can't be converted.
  Image convert(const AVFrame& frame);

 private:
  void prepare(const AVFrame& frame);

  FfmpegPtr<SwsContext> scaler_;
  FfmpegPtr<AVFrame> output_;  // Padded rows: swscale writes past the end of narrow ones.
  int width_ = 0, height_ = 0, format_ = -1, matrix_ = -1, range_ = -1, chroma_ = -1;
};

/// Turns RGB into planar YUV, BT.601, in `format` and with `is_full_range` or limited levels.
/// Owned by one thread.
class ImageToFrame {
 public:
  ImageToFrame(int width, int height, AVPixelFormat format, bool is_full_range);

  /// The frame, tagged; valid until the next call.
  AVFrame& convert(const Image& image);

 private:
  FfmpegPtr<SwsContext> scaler_;
  FfmpegPtr<AVFrame> input_;
  FfmpegPtr<AVFrame> output_;
};

/// Copies between an image and an RGB24 frame of the same size.
void copy_to_frame(const Image& image, AVFrame& frame);
Image copy_from_frame(const AVFrame& frame);

}  // namespace mw::video
