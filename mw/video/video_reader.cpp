// SPDX-License-Identifier: Apache-2.0
#include "mw/video/video_reader.h"

#include <string>
#include <utility>

#include "mw/core/error.h"
#include "mw/io/mapped_file.h"
#include "mw/video/decoder.h"
#include "mw/video/pixels.h"

namespace mw::video {
namespace {

constexpr const char* kVideoFormats = "mov,matroska,avi,gif,ogg,mpegts,mpeg";

Error named(const Error& error, const std::filesystem::path& path) {
  return Error(error.code(), "video '" + path.string() + "': " + error.what());
}

}  // namespace

struct VideoReader::Impl {
  Impl(const std::filesystem::path& file_path, int num_threads)
      : path(file_path),
        file(file_path),
        decoder(file.bytes(), {.formats = kVideoFormats, .num_threads = num_threads}) {}

  std::filesystem::path path;
  io::MappedFile file;
  Decoder decoder;
  FrameToImage converter;
};

VideoReader::VideoReader(const std::filesystem::path& path, int num_threads) {
  try {
    impl_ = std::make_unique<Impl>(path, num_threads);
  } catch (const Error& error) {
    throw error.code() == ErrorCode::kFormat ? named(error, path) : error;
  }
}

VideoReader::~VideoReader() = default;
VideoReader::VideoReader(VideoReader&&) noexcept = default;
VideoReader& VideoReader::operator=(VideoReader&&) noexcept = default;

std::optional<Image> VideoReader::next() {
  try {
    const AVFrame* frame = impl_->decoder.next();
    if (frame == nullptr) return std::nullopt;
    return impl_->converter.convert(*frame);
  } catch (const Error& error) {
    throw named(error, impl_->path);
  }
}

int VideoReader::width() const { return impl_->decoder.stream().codecpar->width; }
int VideoReader::height() const { return impl_->decoder.stream().codecpar->height; }

double VideoReader::fps() const {
  const AVRational rate = impl_->decoder.stream().avg_frame_rate;
  return rate.num > 0 && rate.den > 0 ? av_q2d(rate) : 0;
}

std::optional<int64_t> VideoReader::num_frames() const { return impl_->decoder.num_frames(); }

std::vector<Image> read_clip(const std::filesystem::path& path, int num_threads) {
  VideoReader reader(path, num_threads);
  std::vector<Image> frames;
  while (std::optional<Image> frame = reader.next()) frames.push_back(std::move(*frame));
  if (frames.empty()) throw Error(ErrorCode::kFormat, "video '" + path.string() + "' has no frame");
  return frames;
}

}  // namespace mw::video
