// SPDX-License-Identifier: Apache-2.0
#include "mw/video/resize.h"

#include <algorithm>
#include <cstdint>
#include <new>

#include "mw/core/error.h"
#include "mw/video/ffmpeg.h"

namespace mw::video {
namespace {

/// One colour channel between an image and a grey frame.
void copy_channel(const Image& image, int channel, AVFrame& frame) {
  const uint8_t* from = image.rgb.data() + channel;
  for (int y = 0; y < image.height; ++y) {
    uint8_t* to = frame.data[0] + static_cast<ptrdiff_t>(y) * frame.linesize[0];
    for (int x = 0; x < image.width; ++x, from += 3) to[x] = *from;
  }
}

void copy_channel(const AVFrame& frame, Image& image, int channel) {
  uint8_t* to = image.rgb.data() + channel;
  for (int y = 0; y < image.height; ++y) {
    const uint8_t* from = frame.data[0] + static_cast<ptrdiff_t>(y) * frame.linesize[0];
    for (int x = 0; x < image.width; ++x, to += 3) *to = from[x];
  }
}

}  // namespace

Image resize(const Image& image, int width, int height) {
  check_image(image, "resize");
  Image resized = make_image(width, height);
  if (width == image.width && height == image.height) return image;
  silence_ffmpeg();
  // Each channel on its own as grey: swscale would scale RGB by way of YUV and lose colour.
  const bool shrinks = width < image.width || height < image.height;
  const FfmpegPtr<SwsContext> scaler(
      sws_getContext(image.width, image.height, AV_PIX_FMT_GRAY8, width, height, AV_PIX_FMT_GRAY8,
                     (shrinks ? SWS_AREA : SWS_BICUBIC) | SWS_ACCURATE_RND | SWS_BITEXACT, nullptr,
                     nullptr, nullptr));
  if (scaler == nullptr) {
    throw Error(ErrorCode::kInvalidArgument, "cannot resize " +
                                                 size_text(image.width, image.height) + " to " +
                                                 size_text(width, height));
  }
  const FfmpegPtr<AVFrame> from = make_frame(AV_PIX_FMT_GRAY8, image.width, image.height);
  const FfmpegPtr<AVFrame> to = make_frame(AV_PIX_FMT_GRAY8, width, height);
  for (int channel = 0; channel < 3; ++channel) {
    copy_channel(image, channel, *from);
    sws_scale(scaler.get(), from->data, from->linesize, 0, image.height, to->data, to->linesize);
    copy_channel(*to, resized, channel);
  }
  return resized;
}

Image crop_and_resize(const Image& image, int width, int height) {
  check_image(image, "crop");
  MW_CHECK(width >= 1 && height >= 1, "crop: wanted a size from 1x1, got ",
           size_text(width, height));
  const int64_t w = image.width, h = image.height;
  const int kept_width = std::max(1, static_cast<int>(std::min(w, h * width / height)));
  const int kept_height = std::max(1, static_cast<int>(std::min(h, w * height / width)));
  Image kept = make_image(kept_width, kept_height);
  const int left = (image.width - kept_width) / 2;
  const int top = (image.height - kept_height) / 2;
  for (int y = 0; y < kept_height; ++y) {
    const auto* from = image.rgb.data() + 3 * ((top + static_cast<int64_t>(y)) * w + left);
    std::copy_n(from, 3 * kept_width, kept.rgb.data() + 3 * static_cast<int64_t>(y) * kept_width);
  }
  return resize(kept, width, height);
}

}  // namespace mw::video
