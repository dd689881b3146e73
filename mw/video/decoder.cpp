// SPDX-License-Identifier: Apache-2.0
#include "mw/video/decoder.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "mw/core/error.h"

namespace mw::video {

Decoder::Decoder(std::span<const std::byte> bytes, const Options& options) : bytes_(bytes) {
  silence_ffmpeg();
  try {
    open(options);
  } catch (...) {
    close();
    throw;
  }
}

Decoder::~Decoder() { close(); }

void Decoder::close() {
  avformat_close_input(&container_);
  if (io_ != nullptr) av_freep(&io_->buffer);
  avio_context_free(&io_);
}

int Decoder::read_bytes(void* self, uint8_t* buffer, int size) {
  auto& decoder = *static_cast<Decoder*>(self);
  const auto left = static_cast<int64_t>(decoder.bytes_.size()) - decoder.position_;
  if (left <= 0) return AVERROR_EOF;
  const int count = static_cast<int>(std::min<int64_t>(left, size));
  std::memcpy(buffer, decoder.bytes_.data() + decoder.position_, static_cast<size_t>(count));
  decoder.position_ += count;
  return count;
}

int64_t Decoder::seek_bytes(void* self, int64_t offset, int whence) {
  auto& decoder = *static_cast<Decoder*>(self);
  const auto size = static_cast<int64_t>(decoder.bytes_.size());
  if (whence == AVSEEK_SIZE) return size;
  whence &= ~AVSEEK_FORCE;
  if (whence == SEEK_CUR) offset += decoder.position_;
  if (whence == SEEK_END) offset += size;
  if (offset < 0 || offset > size) return AVERROR(EINVAL);
  return decoder.position_ = offset;
}

/// Reads until the streams are known; that may decode a frame.
int Decoder::probe(int64_t max_pixels) {
  std::vector<AVDictionary*> settings(container_->nb_streams, nullptr);
  for (AVDictionary*& setting : settings) av_dict_set_int(&setting, "max_pixels", max_pixels, 0);
  const int error = avformat_find_stream_info(container_, settings.data());
  for (AVDictionary*& setting : settings) av_dict_free(&setting);
  return error;
}

void Decoder::open(const Options& options) {
  constexpr int kBufferBytes = 1 << 16;
  auto* buffer = static_cast<uint8_t*>(av_malloc(kBufferBytes));
  if (buffer == nullptr) throw std::bad_alloc();
  io_ = avio_alloc_context(buffer, kBufferBytes, 0, this, read_bytes, nullptr, seek_bytes);
  container_ = avformat_alloc_context();
  if (io_ == nullptr || container_ == nullptr) throw std::bad_alloc();
  container_->pb = io_;
  container_->format_whitelist = av_strdup(options.formats);
  int error = avformat_open_input(&container_, "", nullptr, nullptr);
  if (error >= 0) error = probe(options.max_pixels);
  if (error < 0) {
    throw Error(ErrorCode::kFormat, "no known format is recognised, or it is damaged at its start");
  }
  const AVCodec* codec = nullptr;
  const int index = av_find_best_stream(container_, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
  if (index < 0) throw Error(ErrorCode::kFormat, "it has no video stream that can be decoded");
  for (unsigned i = 0; i < container_->nb_streams; ++i) {
    if (static_cast<int>(i) != index) container_->streams[i]->discard = AVDISCARD_ALL;
  }
  stream_ = container_->streams[index];

  codec_.reset(avcodec_alloc_context3(codec));
  if (codec_ == nullptr) throw std::bad_alloc();
  avcodec_parameters_to_context(codec_.get(), stream_->codecpar);
  codec_->thread_count = options.num_threads;
  codec_->max_pixels = options.max_pixels;
  if (options.is_every_flaw_an_error) {
    codec_->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE;
  }
  error = avcodec_open2(codec_.get(), codec, nullptr);
  if (error < 0) {
    throw Error(
        ErrorCode::kFormat,
        concat_message("its ", codec->name, " video can't be decoded: ", ffmpeg_message(error)));
  }
}

std::optional<int64_t> Decoder::num_frames() const {
  // The index, after edit lists, is truer than the sample count beside it.
  AVStream* stream = const_cast<AVStream*>(stream_);
  const int entries = avformat_index_get_entries_count(stream);
  if (std::string_view(container_->iformat->name).starts_with("mov") && entries > 0) {
    int64_t shown = 0;
    for (int i = 0; i < entries; ++i) {
      shown += (avformat_index_get_entry(stream, i)->flags & AVINDEX_DISCARD_FRAME) == 0 ? 1 : 0;
    }
    return shown;
  }
  if (stream_->nb_frames > 0) return stream_->nb_frames;
  return std::nullopt;
}

void Decoder::send_packet() {
  const auto damaged = [this](const std::string& how) {
    return Error(ErrorCode::kFormat,
                 concat_message("damaged or truncated after frame ", num_decoded_, ": ", how));
  };
  int error = 0;
  do {
    av_packet_unref(packet_.get());
    error = av_read_frame(container_, packet_.get());
  } while (error >= 0 && packet_->stream_index != stream_->index);
  if (error == AVERROR_EOF) {
    const int entries = avformat_index_get_entries_count(const_cast<AVStream*>(stream_));
    if (std::string_view(container_->iformat->name).starts_with("mov") && num_packets_ < entries) {
      throw damaged(
          concat_message("its index lists ", entries, " frames, data end at ", num_packets_));
    }
    is_drained_ = true;
    avcodec_send_packet(codec_.get(), nullptr);
    return;
  }
  if (error < 0) throw damaged(ffmpeg_message(error));
  if ((packet_->flags & AV_PKT_FLAG_CORRUPT) != 0) throw damaged("its data end within a frame");
  ++num_packets_;
  error = avcodec_send_packet(codec_.get(), packet_.get());
  if (error < 0) throw damaged(ffmpeg_message(error));
}

const AVFrame* Decoder::next() {
  while (true) {
    const int error = avcodec_receive_frame(codec_.get(), frame_.get());
    if (error == AVERROR_EOF) return nullptr;
    if (error == AVERROR(EAGAIN) && !is_drained_) {
      send_packet();
      continue;
    }
    if (error < 0 || frame_->decode_error_flags != 0 ||
        (frame_->flags & AV_FRAME_FLAG_CORRUPT) != 0) {
      throw Error(ErrorCode::kFormat,
                  concat_message("frame ", num_decoded_, " is damaged",
                                 error < 0 ? ": " + ffmpeg_message(error) : std::string()));
    }
    ++num_decoded_;
    return frame_.get();
  }
}

}  // namespace mw::video
