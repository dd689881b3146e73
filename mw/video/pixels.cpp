// SPDX-License-Identifier: Apache-2.0
#include "mw/video/pixels.h"

#include <cstring>
#include <new>
#include <string>

#include "mw/core/error.h"

extern "C" {
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
}

namespace mw::video {
namespace {

// Exact rounding and a chroma sample for every pixel: the fast paths shift colours by a level or
// two.
constexpr int kAccurate =
    SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP | SWS_BITEXACT;

constexpr int kFirstHdHeight = 720;

/// The old formats that mean "full range" by their name, as plain formats.
AVPixelFormat without_range(int format, bool& is_full_range) {
  switch (format) {
    case AV_PIX_FMT_YUVJ420P:
      is_full_range = true;
      return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P:
      is_full_range = true;
      return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P:
      is_full_range = true;
      return AV_PIX_FMT_YUV444P;
    case AV_PIX_FMT_YUVJ440P:
      is_full_range = true;
      return AV_PIX_FMT_YUV440P;
    default:
      return static_cast<AVPixelFormat>(format);
  }
}

int swscale_matrix(AVColorSpace space, int height) {
  switch (space) {
    case AVCOL_SPC_BT709:
      return SWS_CS_ITU709;
    case AVCOL_SPC_FCC:
      return SWS_CS_FCC;
    case AVCOL_SPC_SMPTE240M:
      return SWS_CS_SMPTE240M;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
      return SWS_CS_BT2020;
    case AVCOL_SPC_UNSPECIFIED:
      return height < kFirstHdHeight ? SWS_CS_ITU601 : SWS_CS_ITU709;
    default:
      return SWS_CS_ITU601;
  }
}

struct Side {
  AVPixelFormat format;
  bool is_full_range;
  bool is_chroma_centred;
};

FfmpegPtr<SwsContext> make_scaler(int width, int height, const Side& from, const Side& to,
                                  int matrix) {
  FfmpegPtr<SwsContext> scaler(sws_alloc_context());
  if (scaler == nullptr) throw std::bad_alloc();
  const auto set = [&](const char* name, int64_t value) {
    av_opt_set_int(scaler.get(), name, value, 0);
  };
  const auto set_side = [&](const std::string& side, const Side& values) {
    set((side + "w").c_str(), width);
    set((side + "h").c_str(), height);
    set((side + "_format").c_str(), values.format);
    set((side + "_range").c_str(), values.is_full_range);
    if (av_pix_fmt_desc_get(values.format)->log2_chroma_h == 1) {  // 4:2:0
      // In 1/256 of a pixel: MPEG samples sit at the left, JPEG ones in the middle of two columns.
      set((side + "_h_chr_pos").c_str(), values.is_chroma_centred ? 128 : 0);
      set((side + "_v_chr_pos").c_str(), 128);
    }
  };
  set_side("src", from);
  set_side("dst", to);
  set("sws_flags", kAccurate);
  if (sws_init_context(scaler.get(), nullptr, nullptr) < 0) {
    throw Error(ErrorCode::kFormat,
                concat_message("pixel format ", av_get_pix_fmt_name(from.format), " can't become ",
                               av_get_pix_fmt_name(to.format)));
  }
  const int* table = sws_getCoefficients(matrix);
  constexpr int kOne = 1 << 16;
  sws_setColorspaceDetails(scaler.get(), table, from.is_full_range, table, to.is_full_range, 0,
                           kOne, kOne);
  return scaler;
}

void scale(SwsContext& scaler, const AVFrame& from, AVFrame& to) {
  sws_scale(&scaler, from.data, from.linesize, 0, from.height, to.data, to.linesize);
}

Image over_black(const AVFrame& frame) {
  Image image = make_image(frame.width, frame.height);
  uint8_t* to = image.rgb.data();
  for (int y = 0; y < frame.height; ++y) {
    const uint8_t* from = frame.data[0] + static_cast<ptrdiff_t>(y) * frame.linesize[0];
    for (int x = 0; x < frame.width; ++x, from += 4) {
      for (int c = 0; c < 3; ++c) *to++ = static_cast<uint8_t>((from[c] * from[3] + 127) / 255);
    }
  }
  return image;
}

}  // namespace

void FrameToImage::prepare(const AVFrame& frame) {
  if (frame.width == width_ && frame.height == height_ && frame.format == format_ &&
      frame.colorspace == matrix_ && frame.color_range == range_ &&
      frame.chroma_location == chroma_) {
    return;
  }
  bool is_full_range = frame.color_range == AVCOL_RANGE_JPEG;
  const AVPixelFormat from = without_range(frame.format, is_full_range);
  const AVPixFmtDescriptor* layout = av_pix_fmt_desc_get(from);
  if (layout == nullptr) throw Error(ErrorCode::kFormat, "unknown pixel format");
  if ((layout->flags & AV_PIX_FMT_FLAG_RGB) != 0) is_full_range = true;
  const bool has_alpha = (layout->flags & (AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL)) != 0;
  const AVPixelFormat to = has_alpha ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24;
  scaler_ = make_scaler(frame.width, frame.height,
                        {from, is_full_range, frame.chroma_location == AVCHROMA_LOC_CENTER},
                        {to, true, false}, swscale_matrix(frame.colorspace, frame.height));
  output_ = make_frame(to, frame.width, frame.height);
  width_ = frame.width;
  height_ = frame.height;
  format_ = frame.format;
  matrix_ = frame.colorspace;
  range_ = frame.color_range;
  chroma_ = frame.chroma_location;
}

Image FrameToImage::convert(const AVFrame& frame) {
  prepare(frame);
  scale(*scaler_, frame, *output_);
  return output_->format == AV_PIX_FMT_RGBA ? over_black(*output_) : copy_from_frame(*output_);
}

ImageToFrame::ImageToFrame(int width, int height, AVPixelFormat format, bool is_full_range)
    : scaler_(make_scaler(width, height, {AV_PIX_FMT_RGB24, true, false},
                          {format, is_full_range, is_full_range}, SWS_CS_ITU601)),
      input_(make_frame(AV_PIX_FMT_RGB24, width, height)),
      output_(make_frame(format, width, height)) {
  output_->colorspace = AVCOL_SPC_SMPTE170M;
  output_->color_range = is_full_range ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
}

AVFrame& ImageToFrame::convert(const Image& image) {
  copy_to_frame(image, *input_);
  // The encoder may still hold the last frame's pixels.
  if (av_frame_make_writable(output_.get()) < 0) throw std::bad_alloc();
  scale(*scaler_, *input_, *output_);
  return *output_;
}

void copy_to_frame(const Image& image, AVFrame& frame) {
  const size_t row_bytes = size_t{3} * static_cast<size_t>(image.width);
  for (int y = 0; y < image.height; ++y) {
    std::memcpy(frame.data[0] + static_cast<ptrdiff_t>(y) * frame.linesize[0],
                image.rgb.data() + static_cast<size_t>(y) * row_bytes, row_bytes);
  }
}

Image copy_from_frame(const AVFrame& frame) {
  Image image = make_image(frame.width, frame.height);
  const size_t row_bytes = size_t{3} * static_cast<size_t>(image.width);
  for (int y = 0; y < image.height; ++y) {
    std::memcpy(image.rgb.data() + static_cast<size_t>(y) * row_bytes,
                frame.data[0] + static_cast<ptrdiff_t>(y) * frame.linesize[0], row_bytes);
  }
  return image;
}

}  // namespace mw::video
