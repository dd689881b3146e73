// SPDX-License-Identifier: Apache-2.0
#include "mw/video/ffmpeg.h"

#include <mutex>
#include <new>

extern "C" {
#include <libavutil/log.h>
}

namespace mw::video {

void silence_ffmpeg() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_level(AV_LOG_QUIET); });
}

std::string ffmpeg_message(int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = "";
  av_strerror(error, text, sizeof(text));
  return text;
}

FfmpegPtr<AVFrame> make_frame() {
  FfmpegPtr<AVFrame> frame(av_frame_alloc());
  if (frame == nullptr) throw std::bad_alloc();
  return frame;
}

FfmpegPtr<AVPacket> make_packet() {
  FfmpegPtr<AVPacket> packet(av_packet_alloc());
  if (packet == nullptr) throw std::bad_alloc();
  return packet;
}

FfmpegPtr<AVFrame> make_frame(AVPixelFormat format, int width, int height) {
  FfmpegPtr<AVFrame> frame = make_frame();
  frame->format = format;
  frame->width = width;
  frame->height = height;
  if (av_frame_get_buffer(frame.get(), 0) < 0) throw std::bad_alloc();
  return frame;
}

}  // namespace mw::video
