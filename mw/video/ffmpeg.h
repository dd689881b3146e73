// SPDX-License-Identifier: Apache-2.0
#pragma once

// Ownership and messages around FFmpeg's C interface, for the sources of this module alone.
extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
}

#include <memory>
#include <string>

namespace mw::video {

struct FfmpegDeleter {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
  void operator()(SwsContext* context) const { sws_freeContext(context); }
};
template <class T>
using FfmpegPtr = std::unique_ptr<T, FfmpegDeleter>;

/// Stops FFmpeg from printing; every function here that opens something calls it.
void silence_ffmpeg();

/// FFmpeg's words for an error number.
std::string ffmpeg_message(int error);

/// Throws std::bad_alloc for null, as FFmpeg's allocators only fail for want of memory.
FfmpegPtr<AVFrame> make_frame();
FfmpegPtr<AVPacket> make_packet();

/// A frame with pixel buffers of that format and size.
FfmpegPtr<AVFrame> make_frame(AVPixelFormat format, int width, int height);

}  // namespace mw::video
