// SPDX-License-Identifier: Apache-2.0
#include "mw/video/image_file.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <new>

#include "mw/core/error.h"
#include "mw/io/atomic_file.h"
#include "mw/io/mapped_file.h"
#include "mw/video/decoder.h"
#include "mw/video/pixels.h"

namespace mw::video {
namespace {

constexpr const char* kImageFormats =
    "png_pipe,jpeg_pipe,mjpeg,webp_pipe,bmp_pipe,tiff_pipe,gif,ppm_pipe,pgm_pipe,pbm_pipe,pam_pipe";

/// Encodes one frame with an intra-only codec. quality_step: the codec's quantiser, 0 for none.
std::vector<std::byte> encode_still(AVCodecID id, AVFrame& frame, int quantiser) {
  silence_ffmpeg();
  const AVCodec* codec = avcodec_find_encoder(id);
  if (codec == nullptr) {
    throw Error(ErrorCode::kIo,
                concat_message("this FFmpeg has no ", avcodec_get_name(id), " encoder"));
  }
  const FfmpegPtr<AVCodecContext> context(avcodec_alloc_context3(codec));
  if (context == nullptr) throw std::bad_alloc();
  context->width = frame.width;
  context->height = frame.height;
  context->pix_fmt = static_cast<AVPixelFormat>(frame.format);
  context->color_range = frame.color_range;
  context->colorspace = frame.colorspace;
  context->time_base = {1, 1};
  context->thread_count = 1;
  context->flags |= AV_CODEC_FLAG_BITEXACT;
  if (quantiser > 0) {
    context->flags |= AV_CODEC_FLAG_QSCALE;
    context->global_quality = quantiser * FF_QP2LAMBDA;
    frame.quality = context->global_quality;
  }
  const FfmpegPtr<AVPacket> packet = make_packet();
  int error = avcodec_open2(context.get(), codec, nullptr);
  if (error >= 0) error = avcodec_send_frame(context.get(), &frame);
  if (error >= 0) error = avcodec_send_frame(context.get(), nullptr);
  if (error >= 0) error = avcodec_receive_packet(context.get(), packet.get());
  if (error < 0) {
    throw Error(ErrorCode::kInvalidArgument,
                concat_message("cannot encode a ", size_text(frame.width, frame.height), " ",
                               avcodec_get_name(id), ": ", ffmpeg_message(error)));
  }
  const auto* data = reinterpret_cast<const std::byte*>(packet->data);
  return {data, data + packet->size};
}

/// Whether these are the bytes of a JPEG without its end marker: FFmpeg draws what there is.
bool is_cut_jpeg(std::span<const std::byte> bytes) {
  constexpr std::byte kMark{0xff}, kStart{0xd8}, kEnd{0xd9};
  const std::byte end[] = {kMark, kEnd};
  return bytes.size() >= 2 && bytes[0] == kMark && bytes[1] == kStart &&
         std::search(bytes.begin(), bytes.end(), std::begin(end), std::end(end)) == bytes.end();
}

/// How a camera was held, 1 to 8 as EXIF counts; 1 when the file does not say.
int orientation_of(const AVFrame& frame) {
  const AVDictionaryEntry* entry = av_dict_get(frame.metadata, "Orientation", nullptr, 0);
  const int value = entry == nullptr ? 1 : std::atoi(entry->value);
  return value >= 1 && value <= 8 ? value : 1;
}

/// The image as it is to be seen.
Image upright(const Image& image, int orientation) {
  if (orientation == 1) return image;
  const bool is_turned = orientation >= 5;
  const bool is_flipped_x = orientation == 2 || orientation == 3 || orientation >= 7;
  const bool is_flipped_y =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Image seen =
      is_turned ? make_image(image.height, image.width) : make_image(image.width, image.height);
  uint8_t* to = seen.rgb.data();
  for (int y = 0; y < seen.height; ++y) {
    for (int x = 0; x < seen.width; ++x, to += 3) {
      const int u = is_turned ? y : x, v = is_turned ? x : y;
      const int64_t column = is_flipped_x ? image.width - 1 - u : u;
      const int64_t row = is_flipped_y ? image.height - 1 - v : v;
      std::copy_n(image.rgb.data() + 3 * (row * image.width + column), 3, to);
    }
  }
  return seen;
}

void write_whole(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  io::AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace

Image read_image(const std::filesystem::path& path) {
  const io::MappedFile file(path);
  return decode_image(file.bytes(), path.string());
}

Image decode_image(std::span<const std::byte> bytes, const std::string& name, int64_t max_pixels) {
  try {
    if (is_cut_jpeg(bytes)) throw Error(ErrorCode::kFormat, "its end is missing");
    Decoder decoder(
        bytes,
        {.formats = kImageFormats, .is_every_flaw_an_error = true, .max_pixels = max_pixels});
    const AVFrame* frame = decoder.next();
    if (frame == nullptr) throw Error(ErrorCode::kFormat, "it holds no picture");
    return upright(FrameToImage().convert(*frame), orientation_of(*frame));
  } catch (const Error& error) {
    throw Error(error.code(),
                concat_message("not a whole image (PNG, JPEG, WebP, BMP, TIFF, GIF) of at most ",
                               max_pixels / 1'000'000, " megapixels '", name, "': ", error.what()));
  }
}

std::vector<std::byte> encode_png(const Image& image) {
  check_image(image, "png");
  const FfmpegPtr<AVFrame> frame = make_frame(AV_PIX_FMT_RGB24, image.width, image.height);
  copy_to_frame(image, *frame);
  return encode_still(AV_CODEC_ID_PNG, *frame, 0);
}

std::vector<std::byte> encode_jpeg(const Image& image, int quality) {
  check_image(image, "jpeg");
  MW_CHECK(quality >= 1 && quality <= 100, "jpeg: quality must be 1 to 100, got ", quality);
  ImageToFrame converter(image.width, image.height, AV_PIX_FMT_YUV420P, /*is_full_range=*/true);
  AVFrame& frame = converter.convert(image);
  // FFmpeg takes full-range JPEG under the format's old name only.
  frame.format = AV_PIX_FMT_YUVJ420P;
  constexpr int kWorst = 31;  // The codec's coarsest quantiser; its finest useful one is 1.
  const int quantiser = std::max(1, kWorst - (kWorst - 1) * quality / 100);
  return encode_still(AV_CODEC_ID_MJPEG, frame, quantiser);
}

void write_png(const std::filesystem::path& path, const Image& image) {
  write_whole(path, encode_png(image));
}

void write_jpeg(const std::filesystem::path& path, const Image& image, int quality) {
  write_whole(path, encode_jpeg(image, quality));
}

}  // namespace mw::video
