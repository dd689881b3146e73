// SPDX-License-Identifier: Apache-2.0
#include "mw/video/image_file.h"

#include <gtest/gtest.h>

#include "tests/support/expect_error.h"
#include "tests/support/pictures.h"
#include "tests/support/scratch_folder.h"

namespace mw::video {
namespace {

using test::noise_picture;
using test::psnr;
using test::read_bytes;
using test::ScratchFolder;
using test::smooth_picture;
using test::write_bytes;

// A 2x1 PNG: half-transparent pure red, and opaque (10, 20, 30).
constexpr uint8_t kTransparentPng[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44,
    0x52, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x01, 0x08, 0x06, 0x00, 0x00, 0x00, 0xf4,
    0x22, 0x7f, 0x8a, 0x00, 0x00, 0x00, 0x11, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0xf8,
    0xcf, 0xc0, 0xd0, 0xc0, 0x25, 0x22, 0xf7, 0x1f, 0x00, 0x0c, 0x20, 0x02, 0xbb, 0xc6, 0x4f,
    0x8a, 0x14, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};

TEST(ImageFileTest, PngIsLosslessAtAnySize) {
  const ScratchFolder folder;
  uint32_t seed = 0;
  for (const auto& [width, height] : {std::pair(1, 1), {7, 3}, {33, 65}, {176, 96}, {333, 1}}) {
    const Image image = noise_picture(width, height, seed++);
    write_png(folder / "a.png", image);
    EXPECT_EQ(read_image(folder / "a.png"), image) << size_text(width, height);
  }
  EXPECT_EQ(folder.num_entries(), 1u);
}

TEST(ImageFileTest, JpegKeepsColoursAndQualityOrdersSizes) {
  const Image image = smooth_picture(177, 95, 0);
  const auto best = encode_jpeg(image, 100);
  const auto usual = encode_jpeg(image);
  const auto worst = encode_jpeg(image, 1);
  EXPECT_GT(best.size(), usual.size());
  EXPECT_GT(usual.size(), worst.size());
  EXPECT_GT(psnr(decode_image(best, "best"), image), 40);
  EXPECT_GT(psnr(decode_image(usual, "usual"), image), 36);
}

TEST(ImageFileTest, TransparentPixelsAreLaidOverBlack) {
  const Image image = decode_image(std::as_bytes(std::span(kTransparentPng)), "red");
  EXPECT_EQ(image, (Image{2, 1, {128, 0, 0, 10, 20, 30}}));
}

/// The JPEG with an EXIF block that holds nothing but the orientation.
std::vector<std::byte> with_orientation(const std::vector<std::byte>& jpeg, uint8_t orientation) {
  const uint8_t exif[] = {0xff, 0xe1, 0, 34, 'E', 'x',         'i', 'f', 0, 0,    'M', 'M',
                          0,    42,   0, 0,  0,   8,           0,   1,   1, 0x12, 0,   3,
                          0,    0,    0, 1,  0,   orientation, 0,   0,   0, 0,    0,   0};
  std::vector<std::byte> bytes(jpeg.begin(), jpeg.begin() + 2);
  for (const uint8_t byte : exif) bytes.push_back(std::byte{byte});
  bytes.insert(bytes.end(), jpeg.begin() + 2, jpeg.end());
  return bytes;
}

TEST(ImageFileTest, PhotosAreTurnedUpright) {
  // Red grows to the right and green downwards, so two corners tell how the image lies.
  Image image = make_image(48, 32);
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 48; ++x) {
      image.rgb[static_cast<size_t>((y * 48 + x) * 3)] = static_cast<uint8_t>(5 * x);
      image.rgb[static_cast<size_t>((y * 48 + x) * 3 + 1)] = static_cast<uint8_t>(7 * y);
    }
  }
  const auto jpeg = encode_jpeg(image, 100);
  // Top left, then top right, as (red, green) high or low.
  const char* corners[] = {"-- +-", "+- --", "++ -+", "-+ ++", "-- -+", "-+ --", "++ +-", "+- ++"};
  for (uint8_t orientation = 1; orientation <= 8; ++orientation) {
    const Image seen = decode_image(with_orientation(jpeg, orientation), "photo");
    EXPECT_EQ(size_text(seen.width, seen.height), orientation < 5 ? "48x32" : "32x48");
    const auto corner = [&](int x) {
      const uint8_t* pixel = seen.rgb.data() + 3 * x;
      return std::string(1, pixel[0] > 110 ? '+' : '-') + (pixel[1] > 110 ? '+' : '-');
    };
    EXPECT_EQ(corner(0) + " " + corner(seen.width - 1), corners[orientation - 1])
        << int{orientation};
  }
}

TEST(ImageFileTest, NamesDoNotMatterContentDoes) {
  const ScratchFolder folder;
  const Image image = noise_picture(16, 16, 1);
  write_png(folder / "frame: %05d.jpg", image);
  EXPECT_EQ(read_image(folder / "frame: %05d.jpg"), image);
}

TEST(ImageFileTest, WhatIsNoImageIsNamed) {
  const ScratchFolder folder;
  write_bytes(folder / "notes.txt", "a plain text that some decoders would draw\n");
  write_bytes(folder / "empty.png", "");
  EXPECT_ERROR(read_image(folder / "notes.txt"), ErrorCode::kFormat, "notes.txt'");
  EXPECT_ERROR(read_image(folder / "empty.png"), ErrorCode::kFormat, "empty.png'");
  EXPECT_ERROR(read_image(folder / "none.png"), ErrorCode::kIo, "none.png': No such file");
  EXPECT_ERROR(read_image(folder.path()), ErrorCode::kIo, "it is a folder");
}

TEST(ImageFileTest, TruncatedImagesAreRefused) {
  const Image image = noise_picture(64, 48, 2);
  for (const auto& whole : {encode_png(image), encode_jpeg(image)}) {
    for (const size_t percent : {1, 10, 50, 90, 99}) {
      const auto part = std::span(whole).first(whole.size() * percent / 100);
      SCOPED_TRACE(percent);
      EXPECT_ERROR(decode_image(part, "cut"), ErrorCode::kFormat, "'cut'");
    }
  }
}

TEST(ImageFileTest, WriterChecksTheImage) {
  EXPECT_ERROR(encode_png({2, 2, std::vector<uint8_t>(11)}), ErrorCode::kInvalidArgument,
               "2x2 wants 12 RGB bytes, got 11");
  EXPECT_ERROR(encode_jpeg(make_image(8, 8), 0), ErrorCode::kInvalidArgument, "quality");
  EXPECT_ERROR(make_image(0, 4), ErrorCode::kInvalidArgument, "got 0x4");
}

}  // namespace
}  // namespace mw::video
