// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "mw/video/ffmpeg.h"

namespace mw::video {

/// Decodes the video stream of a file that lies in memory.
///
/// Reading from memory, with a list of container formats to try, keeps FFmpeg from guessing by file
/// name and from following references to other files. Messages don't name the file: callers do.
/// Owned by one thread.
class Decoder {
 public:
  struct Options {
    const char* formats;                  ///< FFmpeg demuxer names to try, comma separated.
    int num_threads = 1;                  ///< Of the decoder.
    bool is_every_flaw_an_error = false;  ///< Also those that decoders usually pass over.
    int64_t max_pixels = INT32_MAX;       ///< Larger frames are refused before memory is taken.
  };

  /// bytes: must outlive this object.
  /// Throws Error kFormat when no such format is recognised or it has no video stream.
  Decoder(std::span<const std::byte> bytes, const Options& options);
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  /// The next frame, valid until the next call, or null at the end.
  /// Throws Error kFormat when the data are damaged or end early.
  const AVFrame* next();

  const AVStream& stream() const { return *stream_; }

  /// Frames in the file, where its index says so.
  std::optional<int64_t> num_frames() const;

 private:
  static int read_bytes(void* self, uint8_t* buffer, int size);
  static int64_t seek_bytes(void* self, int64_t offset, int whence);
  void open(const Options& options);
  int probe(int64_t max_pixels);
  void send_packet();
  void close();

  std::span<const std::byte> bytes_;
  int64_t position_ = 0;
  AVIOContext* io_ = nullptr;
  AVFormatContext* container_ = nullptr;
  const AVStream* stream_ = nullptr;
  FfmpegPtr<AVCodecContext> codec_;
  FfmpegPtr<AVPacket> packet_ = make_packet();
  FfmpegPtr<AVFrame> frame_ = make_frame();
  int64_t num_packets_ = 0;
  int64_t num_decoded_ = 0;
  bool is_drained_ = false;
};

}  // namespace mw::video
