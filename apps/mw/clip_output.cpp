// SPDX-License-Identifier: Apache-2.0
#include "apps/mw/clip_output.h"

#include <unistd.h>

#include <cstdio>
#include <regex>
#include <span>
#include <utility>

#include "mw/core/error.h"
#include "mw/core/user_path.h"
#include "mw/io/safetensors.h"
#include "mw/video/image_file.h"
#include "mw/video/video_writer.h"

namespace mw::app {
namespace {

namespace fs = std::filesystem;

class VideoOutput : public ClipOutput {
 public:
  VideoOutput(const fs::path& path, const ClipFormat& format)
      : writer_(path, {.width = format.width, .height = format.height, .fps = format.fps}) {}

  void write(const video::Image& /*raw*/, const video::Image& shown,
             const std::vector<float>& /*latent*/) override {
    writer_.write(shown);
  }
  void finish() override { writer_.finish(); }

 private:
  video::VideoWriter writer_;
};

class TensorOutput : public ClipOutput {
 public:
  TensorOutput(fs::path path, const ClipFormat& format)
      : path_(std::move(path)), latent_shape_(format.latent_shape) {
    // The file is written at the end; a folder that can't take it is better known now.
    const fs::path folder = path_.has_parent_path() ? path_.parent_path() : ".";
    if (!fs::is_directory(folder) || ::access(folder.c_str(), W_OK) != 0) {
      throw Error(ErrorCode::kIo, "'" + path_.string() + "': no folder '" + folder.string() +
                                      "' that can be written to");
    }
    if (fs::is_directory(path_)) {
      throw Error(ErrorCode::kIo, "'" + path_.string() + "' is a folder, wanted a file");
    }
  }

  void write(const video::Image& raw, const video::Image& /*shown*/,
             const std::vector<float>& latent) override {
    frames_.push_back(raw);
    latents_.push_back(latent);
  }

  void finish() override {
    const auto num_frames = static_cast<int64_t>(frames_.size());
    const int64_t height = frames_.front().height, width = frames_.front().width;
    const size_t area = frames_.front().rgb.size() / 3;
    std::vector<float> video;  // [3, F, H, W]
    video.reserve(3 * frames_.size() * area);
    for (size_t channel = 0; channel < 3; ++channel) {
      for (const video::Image& frame : frames_) {
        for (size_t i = 0; i < area; ++i) {
          video.push_back(static_cast<float>(frame.rgb[3 * i + channel]) / 255);
        }
      }
    }
    const auto [channels, rows, columns] = latent_shape_;
    const auto cells = static_cast<size_t>(rows * columns);
    std::vector<float> latents;  // [C, F, h, w]
    for (size_t channel = 0; channel < static_cast<size_t>(channels); ++channel) {
      for (const std::vector<float>& frame : latents_) {
        const auto first = frame.begin() + static_cast<std::ptrdiff_t>(channel * cells);
        latents.insert(latents.end(), first, first + static_cast<std::ptrdiff_t>(cells));
      }
    }
    io::write_safetensors(path_, {{"video",
                                   {.dtype = io::DType::kF32,
                                    .shape = {1, 3, num_frames, height, width},
                                    .data = std::as_bytes(std::span(video))}},
                                  {"latents",
                                   {.dtype = io::DType::kF32,
                                    .shape = {1, channels, num_frames, rows, columns},
                                    .data = std::as_bytes(std::span(latents))}}});
  }

 private:
  fs::path path_;
  std::array<int64_t, 3> latent_shape_;
  std::vector<video::Image> frames_;
  std::vector<std::vector<float>> latents_;
};

/// Numbered PNG files, in a folder that is made if it is not there.
class PictureOutput : public ClipOutput {
 public:
  explicit PictureOutput(const fs::path& pattern) : pattern_(pattern.string()) {
    const fs::path folder = pattern.has_parent_path() ? pattern.parent_path() : ".";
    std::error_code error;
    made_folder_ = fs::create_directory(folder, error);
    if (!fs::is_directory(folder) || ::access(folder.c_str(), W_OK) != 0) {
      throw Error(ErrorCode::kIo, "'" + pattern_ + "': no folder '" + folder.string() +
                                      "' that can be made or written to");
    }
  }
  ~PictureOutput() override {
    if (is_finished_) return;
    std::error_code ignored;
    for (const fs::path& path : written_) fs::remove(path, ignored);
    if (made_folder_) fs::remove(fs::path(pattern_).parent_path(), ignored);
  }
  PictureOutput(const PictureOutput&) = delete;
  PictureOutput& operator=(const PictureOutput&) = delete;

  void write(const video::Image& /*raw*/, const video::Image& shown,
             const std::vector<float>& /*latent*/) override {
    std::vector<char> name(pattern_.size() + 32);
    // The pattern has passed `picture_pattern`: one number and nothing else to expand.
    std::snprintf(name.data(), name.size(), pattern_.c_str(), static_cast<int>(written_.size()));
    const fs::path path(name.data());
    video::write_png(path, shown);
    written_.push_back(path);
  }
  void finish() override { is_finished_ = true; }

 private:
  std::string pattern_;
  std::vector<fs::path> written_;
  bool made_folder_ = false, is_finished_ = false;
};

bool is_picture_pattern(const std::string& name) {
  static const std::regex pattern("[^%]*%0?[0-9]?d[^%/]*\\.png");
  return std::regex_match(name, pattern);
}

}  // namespace

std::unique_ptr<ClipOutput> open_clip_output(const std::string& name, const ClipFormat& format) {
  const fs::path path = user_path(name);
  if (path.extension() == ".mp4") return std::make_unique<VideoOutput>(path, format);
  if (path.extension() == ".safetensors") return std::make_unique<TensorOutput>(path, format);
  if (is_picture_pattern(path.string())) return std::make_unique<PictureOutput>(path);
  throw Error(ErrorCode::kInvalidArgument,
              "--out: wanted FILE.mp4, FILE.safetensors or DIR/%05d.png, got " + quote_text(name));
}

}  // namespace mw::app
