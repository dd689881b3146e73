// SPDX-License-Identifier: Apache-2.0
#include "mw/video/video_writer.h"

#include <algorithm>
#include <array>
#include <new>

#include "mw/core/error.h"
#include "mw/io/atomic_file.h"
#include "mw/video/pixels.h"

extern "C" {
#include <libavutil/opt.h>
}

namespace mw::video {
namespace {

// x264 prints its own complaint about a preset that it does not know: it must not get to see one.
constexpr std::array kPresets = {"ultrafast", "superfast", "veryfast", "faster",  "fast",
                                 "medium",    "slow",      "slower",   "veryslow"};

void check_config(const VideoConfig& config) {
  MW_CHECK(config.width >= 2 && config.height >= 2 && config.width % 2 == 0 &&
               config.height % 2 == 0 && config.width <= 16384 && config.height <= 16384,
           "video: H.264 4:2:0 wants even sides from 2 to 16384, got ",
           size_text(config.width, config.height));
  MW_CHECK(config.fps > 0 && config.fps <= 1000, "video: fps must be over 0 and at most 1000, got ",
           config.fps);
  MW_CHECK(config.crf >= 0 && config.crf <= 51, "video: crf must be 0 to 51, got ", config.crf);
  MW_CHECK(std::find(kPresets.begin(), kPresets.end(), config.preset) != kPresets.end(),
           "video: unknown preset ", quote_text(config.preset),
           ", wanted one of x264's, ultrafast to veryslow");
}

}  // namespace

struct VideoWriter::Impl {
  Impl(const std::filesystem::path& target, const VideoConfig& video_config)
      : path(target),
        config(video_config),
        file(target),
        converter(config.width, config.height, AV_PIX_FMT_YUV420P, /*is_full_range=*/false) {
    try {
      open_encoder();
      open_container();
    } catch (...) {
      close();
      throw;
    }
  }
  ~Impl() { close(); }

  void open_encoder();
  void open_container();
  void encode(AVFrame* frame);
  void close();

  /// Throws Error kIo, naming the file, for an error number of FFmpeg.
  void check_written(int error) const {
    if (error < 0) {
      throw Error(ErrorCode::kIo, "cannot write '" + path.string() + "': " + ffmpeg_message(error));
    }
  }

  std::filesystem::path path;
  VideoConfig config;
  io::AtomicFile file;
  ImageToFrame converter;
  FfmpegPtr<AVCodecContext> codec;
  FfmpegPtr<AVPacket> packet = make_packet();
  AVFormatContext* container = nullptr;
  AVStream* stream = nullptr;
  int64_t num_frames = 0;
};

void VideoWriter::Impl::open_encoder() {
  const AVCodec* encoder = avcodec_find_encoder_by_name("libx264");
  if (encoder == nullptr) {
    throw Error(ErrorCode::kIo, "this FFmpeg has no H.264 encoder (libx264)");
  }
  codec.reset(avcodec_alloc_context3(encoder));
  if (codec == nullptr) throw std::bad_alloc();
  codec->width = config.width;
  codec->height = config.height;
  codec->pix_fmt = AV_PIX_FMT_YUV420P;
  codec->framerate = av_d2q(config.fps, 100000);
  codec->time_base = av_inv_q(codec->framerate);
  codec->thread_count = config.num_threads;
  // Primaries and transfer are those of sRGB; the matrix and range are what pixels.cpp converts
  // with.
  codec->color_primaries = AVCOL_PRI_BT709;
  codec->color_trc = AVCOL_TRC_IEC61966_2_1;
  codec->colorspace = AVCOL_SPC_SMPTE170M;
  codec->color_range = AVCOL_RANGE_MPEG;
  codec->chroma_sample_location = AVCHROMA_LOC_LEFT;
  codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;  // mp4 keeps the parameter sets in its index.
  av_opt_set_int(codec->priv_data, "crf", config.crf, 0);
  av_opt_set(codec->priv_data, "preset", config.preset.c_str(), 0);
#if defined(__x86_64__)
  // The AVX-512 code of x264's rate control (seen in core 164) reads memory that nobody wrote, so
  // that equal frames of some sizes would not give equal bytes.
  if (__builtin_cpu_supports("avx512f")) {
    av_opt_set(codec->priv_data, "x264-params", "asm=AVX2", 0);
  }
#endif
  const int error = avcodec_open2(codec.get(), encoder, nullptr);
  MW_CHECK(error >= 0, "video: libx264 refuses ", size_text(config.width, config.height),
           ", preset '", config.preset, "': ", ffmpeg_message(error));
}

void VideoWriter::Impl::open_container() {
  // The "file:" prefix keeps a name with a colon from being read as a protocol.
  const std::string url = "file:" + file.temporary_path().string();
  check_written(avformat_alloc_output_context2(&container, nullptr, "mp4", url.c_str()));
  container->flags |= AVFMT_FLAG_BITEXACT;
  stream = avformat_new_stream(container, nullptr);
  if (stream == nullptr) throw std::bad_alloc();
  avcodec_parameters_from_context(stream->codecpar, codec.get());
  stream->time_base = codec->time_base;
  stream->avg_frame_rate = codec->framerate;
  check_written(avio_open(&container->pb, url.c_str(), AVIO_FLAG_WRITE));
  AVDictionary* options = nullptr;
  av_dict_set(&options, "movflags", "+faststart", 0);
  const int error = avformat_write_header(container, &options);
  av_dict_free(&options);
  check_written(error);
}

void VideoWriter::Impl::encode(AVFrame* frame) {
  check_written(avcodec_send_frame(codec.get(), frame));
  while (true) {
    const int error = avcodec_receive_packet(codec.get(), packet.get());
    if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return;
    check_written(error);
    packet->stream_index = stream->index;
    packet->duration = 1;
    av_packet_rescale_ts(packet.get(), codec->time_base, stream->time_base);
    check_written(av_interleaved_write_frame(container, packet.get()));
    check_written(container->pb->error);  // What the buffer's last flush met.
  }
}

void VideoWriter::Impl::close() {
  if (container == nullptr) return;
  avio_closep(&container->pb);
  avformat_free_context(container);
  container = nullptr;
}

VideoWriter::VideoWriter(const std::filesystem::path& path, const VideoConfig& config) {
  silence_ffmpeg();
  check_config(config);
  impl_ = std::make_unique<Impl>(path, config);
}

VideoWriter::~VideoWriter() = default;
VideoWriter::VideoWriter(VideoWriter&&) noexcept = default;
VideoWriter& VideoWriter::operator=(VideoWriter&&) noexcept = default;

void VideoWriter::write(const Image& image) {
  MW_CHECK(impl_->container != nullptr, "video: '", impl_->path.string(), "' is already finished");
  check_image(image, "video");
  MW_CHECK(image.width == impl_->config.width && image.height == impl_->config.height,
           "video: frame ", impl_->num_frames, " is ", size_text(image.width, image.height),
           ", the video ", size_text(impl_->config.width, impl_->config.height));
  AVFrame& frame = impl_->converter.convert(image);
  frame.pts = impl_->num_frames++;
  impl_->encode(&frame);
}

void VideoWriter::finish() {
  MW_CHECK(impl_->container != nullptr, "video: '", impl_->path.string(), "' is already finished");
  MW_CHECK(impl_->num_frames > 0, "video: no frame was written to '", impl_->path.string(), "'");
  impl_->encode(nullptr);
  impl_->check_written(av_write_trailer(impl_->container));
  impl_->check_written(impl_->container->pb->error);
  impl_->check_written(avio_closep(&impl_->container->pb));
  impl_->close();
  impl_->file.commit();
}

}  // namespace mw::video
