// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <malloc.h>

#include <array>
#include <numeric>

#include "mw/video/video_reader.h"
#include "mw/video/video_writer.h"
#include "tests/support/disk_limit.h"
#include "tests/support/expect_error.h"
#include "tests/support/pictures.h"
#include "tests/support/scratch_folder.h"

namespace mw::video {
namespace {

using test::psnr;
using test::read_bytes;
using test::ScratchFolder;
using test::smooth_picture;
using test::write_bytes;

std::vector<Image> smooth_clip(int width, int height, int num_frames) {
  std::vector<Image> frames;
  for (int i = 0; i < num_frames; ++i) frames.push_back(smooth_picture(width, height, 0.1 * i));
  return frames;
}

void write_clip(const std::filesystem::path& path, const std::vector<Image>& frames,
                VideoConfig config) {
  config.width = frames[0].width;
  config.height = frames[0].height;
  VideoWriter writer(path, config);
  for (const Image& frame : frames) writer.write(frame);
  writer.finish();
}

/// Mean of each colour channel.
std::array<double, 3> mean_colour(const Image& image) {
  std::array<double, 3> sum{};
  for (size_t i = 0; i < image.rgb.size(); ++i) sum[i % 3] += image.rgb[i];
  for (double& channel : sum) channel *= 3.0 / static_cast<double>(image.rgb.size());
  return sum;
}

TEST(VideoTest, DecodedFramesAreThoseEncoded) {
  const ScratchFolder folder;
  const std::vector<Image> frames = smooth_clip(176, 96, 40);
  write_clip(folder / "a.mp4", frames, {.fps = 16, .crf = 12});

  VideoReader reader(folder / "a.mp4");
  EXPECT_EQ(reader.width(), 176);
  EXPECT_EQ(reader.height(), 96);
  EXPECT_DOUBLE_EQ(reader.fps(), 16);
  EXPECT_EQ(reader.num_frames(), 40);
  for (size_t i = 0; i < frames.size(); ++i) {
    const std::optional<Image> frame = reader.next();
    ASSERT_TRUE(frame.has_value()) << i;
    EXPECT_GT(psnr(*frame, frames[i]), 38) << i;
    for (int channel = 0; channel < 3; ++channel) {
      // A wrong matrix or range moves the mean by 5 levels and more, quantisation by half a level.
      EXPECT_NEAR(mean_colour(*frame)[channel], mean_colour(frames[i])[channel], 1) << i;
    }
  }
  EXPECT_FALSE(reader.next().has_value());
  EXPECT_FALSE(reader.next().has_value());
}

TEST(VideoTest, FlatColoursComeBackUnshifted) {
  const ScratchFolder folder;
  const std::array<std::array<uint8_t, 3>, 6> colours = {
      {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 255}, {0, 0, 0}, {120, 160, 200}}};
  for (const auto& colour : colours) {
    Image image = make_image(64, 64);
    for (size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = colour[i % 3];
    write_clip(folder / "a.mp4", {image}, {.crf = 4});
    const Image back = read_clip(folder / "a.mp4").at(0);
    for (size_t channel = 0; channel < 3; ++channel) {
      EXPECT_NEAR(back.rgb[3 * (32 * 64 + 32) + channel], colour[channel], 2);
    }
  }
}

TEST(VideoTest, EqualFramesGiveEqualBytes) {
  const ScratchFolder folder;
  write_clip(folder / "a.mp4", smooth_clip(64, 48, 8), {});
  write_clip(folder / "b.mp4", smooth_clip(64, 48, 8), {});
  EXPECT_EQ(read_bytes(folder / "a.mp4"), read_bytes(folder / "b.mp4"));
}

TEST(VideoTest, IndexStandsInFrontAndTheFileIsAlone) {
  const ScratchFolder folder;
  write_clip(folder / "odd name: 50%03d.mp4", smooth_clip(64, 48, 8), {});
  const std::string bytes = read_bytes(folder / "odd name: 50%03d.mp4");
  EXPECT_LT(bytes.find("moov"), bytes.find("mdat"));
  EXPECT_EQ(folder.num_entries(), 1u);
  EXPECT_EQ(read_clip(folder / "odd name: 50%03d.mp4").size(), 8u);
}

TEST(VideoTest, LengthsFromOneFrameOnAndFractionalRatesAreKept) {
  const ScratchFolder folder;
  for (const int num_frames : {1, 2, 3, 81}) {
    write_clip(folder / "a.mp4", smooth_clip(32, 32, num_frames), {.fps = 29.97});
    VideoReader reader(folder / "a.mp4");
    EXPECT_NEAR(reader.fps(), 29.97, 1e-3);
    EXPECT_EQ(reader.num_frames(), num_frames);
    EXPECT_EQ(read_clip(folder / "a.mp4").size(), static_cast<size_t>(num_frames));
  }
}

TEST(VideoTest, UnfinishedVideoLeavesNothing) {
  const ScratchFolder folder;
  write_bytes(folder / "a.mp4", "old");
  {
    VideoWriter writer(folder / "a.mp4", {.width = 64, .height = 48});
    writer.write(smooth_picture(64, 48, 0));
  }
  EXPECT_EQ(read_bytes(folder / "a.mp4"), "old");
  EXPECT_EQ(folder.num_entries(), 1u);
}

TEST(VideoTest, WriterNamesWhatItCannotDo) {
  const ScratchFolder folder;
  const auto open = [&](VideoConfig config) { VideoWriter(folder / "a.mp4", config); };
  EXPECT_ERROR(open({.width = 177, .height = 96}), ErrorCode::kInvalidArgument, "got 177x96");
  EXPECT_ERROR(open({.width = 0, .height = 0}), ErrorCode::kInvalidArgument, "got 0x0");
  EXPECT_ERROR(open({.width = 64, .height = 64, .fps = 0}), ErrorCode::kInvalidArgument, "fps");
  EXPECT_ERROR(open({.width = 64, .height = 64, .crf = 52}), ErrorCode::kInvalidArgument, "crf");
  EXPECT_ERROR(open({.width = 64, .height = 64, .preset = "warp"}), ErrorCode::kInvalidArgument,
               "unknown preset 'warp'");
  EXPECT_ERROR(VideoWriter("/nowhere/a.mp4", {.width = 64, .height = 64}), ErrorCode::kIo,
               "there is no folder '/nowhere'");
  VideoWriter writer(folder / "a.mp4", {.width = 64, .height = 48});
  EXPECT_ERROR(writer.write(smooth_picture(48, 64, 0)), ErrorCode::kInvalidArgument,
               "frame 0 is 48x64, the video 64x48");
  EXPECT_ERROR(writer.finish(), ErrorCode::kInvalidArgument, "no frame was written");
  writer.write(smooth_picture(64, 48, 0));
  writer.finish();
  EXPECT_ERROR(writer.finish(), ErrorCode::kInvalidArgument, "already finished");
  EXPECT_ERROR(writer.write(smooth_picture(64, 48, 0)), ErrorCode::kInvalidArgument, "already");
}

TEST(VideoTest, FullDiskIsNamedAndLeavesNothing) {
  const ScratchFolder folder;
  std::vector<Image> frames;
  for (uint32_t i = 0; i < 10; ++i) frames.push_back(test::noise_picture(176, 96, i));
  const test::DiskLimit limit(20000);
  EXPECT_ERROR(write_clip(folder / "a.mp4", frames, {}), ErrorCode::kIo, "a.mp4': File too large");
  EXPECT_ERROR(write_clip(folder / "a.mp4", {frames[0]}, {.crf = 0}), ErrorCode::kIo,
               "a.mp4': File too large");
  EXPECT_EQ(folder.num_entries(), 0u);
}

TEST(VideoTest, ReaderNamesWhatIsNoVideo) {
  const ScratchFolder folder;
  EXPECT_ERROR(VideoReader(folder / "none.mp4"), ErrorCode::kIo, "none.mp4': No such file");
  write_bytes(folder / "text.mp4", "#EXTM3U\n#EXTINF:1,\n/etc/passwd\n");
  write_bytes(folder / "empty.mp4", "");
  EXPECT_ERROR(VideoReader(folder / "text.mp4"), ErrorCode::kFormat, "text.mp4': no known format");
  EXPECT_ERROR(VideoReader(folder / "empty.mp4"), ErrorCode::kFormat, "no known format");
}

TEST(VideoTest, EveryTruncationIsNoticed) {
  const ScratchFolder folder;
  write_clip(folder / "a.mp4", smooth_clip(64, 48, 12), {});
  const std::string whole = read_bytes(folder / "a.mp4");
  for (size_t size = 0; size < whole.size(); size += 97) {
    write_bytes(folder / "b.mp4", whole.substr(0, size));
    SCOPED_TRACE(size);
    EXPECT_ERROR(read_clip(folder / "b.mp4"), ErrorCode::kFormat, "b.mp4'");
  }
}

TEST(VideoTest, DamagedBytesGiveErrorsOrFramesAndNothingElse) {
  const ScratchFolder folder;
  write_clip(folder / "a.mp4", smooth_clip(64, 48, 12), {});
  const std::string whole = read_bytes(folder / "a.mp4");
  std::mt19937 random(3);
  int num_refused = 0;
  for (int i = 0; i < 150; ++i) {
    std::string bytes = whole;
    for (int change = 0; change < 8; ++change) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    write_bytes(folder / "b.mp4", bytes);
    try {
      for (const Image& frame : read_clip(folder / "b.mp4")) check_image(frame, "decoded");
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("b.mp4"), std::string::npos);
      ++num_refused;
    }
  }
  EXPECT_GT(num_refused, 30);
}

TEST(VideoTest, EqualFramesGiveEqualBytesWhateverMemoryHeldBefore) {
  const ScratchFolder folder;
  std::vector<std::string> files;
  for (const int garbage : {0, 85, 170}) {
    ::mallopt(M_PERTURB, garbage);
    VideoWriter writer(folder / "a.mp4", {.width = 528, .height = 288, .fps = 16});
    for (int i = 0; i < 12; ++i) writer.write(smooth_picture(528, 288, 0.3 * i));
    writer.finish();
    files.push_back(read_bytes(folder / "a.mp4"));
  }
  ::mallopt(M_PERTURB, 0);
  EXPECT_TRUE(files[1] == files[0]);
  EXPECT_TRUE(files[2] == files[0]);
}

}  // namespace
}  // namespace mw::video
