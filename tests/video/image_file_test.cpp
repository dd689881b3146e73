// SPDX-License-Identifier: Apache-2.0
#include "mw/video/image_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <iterator>

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

int64_t peak_memory_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

/// A small picture whose header claims other sides, in big-endian or little-endian bytes.
std::vector<std::byte> with_sides(std::vector<std::byte> bytes, size_t offset, size_t size,
                                  bool is_big_endian, std::array<uint32_t, 2> sides) {
  for (size_t side = 0; side < 2; ++side) {
    for (size_t i = 0; i < size; ++i) {
      const size_t shift = 8 * (is_big_endian ? size - 1 - i : i);
      bytes[offset + side * size + i] = static_cast<std::byte>(sides[side] >> shift);
    }
  }
  return bytes;
}

TEST(ImageFileTest, PicturesThatClaimTooMuchAreRefusedBeforeTheyTakeMemory) {
  const Image image = smooth_picture(16, 8, 0);
  std::vector<std::vector<std::byte>> bombs;
  bombs.push_back(with_sides(encode_png(image), 16, 4, true, {60000, 60000}));
  std::vector<std::byte> jpeg = encode_jpeg(image);
  const std::byte frame_header[] = {std::byte{0xff}, std::byte{0xc0}};
  const auto found =
      std::search(jpeg.begin(), jpeg.end(), std::begin(frame_header), std::end(frame_header));
  ASSERT_NE(found, jpeg.end());
  bombs.push_back(
      with_sides(jpeg, static_cast<size_t>(found - jpeg.begin()) + 5, 2, true, {60000, 60000}));
  const auto of_text = [](std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  };
  bombs.push_back(of_text("P6 60000 60000 255 " + std::string(1000, 'x')));
  bombs.push_back(of_text("P5 2000000000 2000000000 255 "));
  std::vector<std::byte> gif = of_text("GIF89a" + std::string(7, '\0') + "," +
                                       std::string(8, '\0') + std::string(200, '\2'));
  gif = with_sides(gif, 6, 2, false, {60000, 60000});
  bombs.push_back(with_sides(gif, 18, 2, false, {60000, 60000}));
  const int64_t before = peak_memory_bytes();
  for (const std::vector<std::byte>& bomb : bombs) {
    EXPECT_ERROR(decode_image(bomb, "bomb"), ErrorCode::kFormat, "at most 256 megapixels 'bomb'");
  }
  EXPECT_LT(peak_memory_bytes() - before, 64 << 20);
}

TEST(ImageFileTest, TheBoundOnPixelsIsTheCallers) {
  const Image image = noise_picture(64, 32, 3);  // Rows of whole strides: those are counted.
  for (const std::vector<std::byte>& bytes : {encode_png(image), encode_jpeg(image)}) {
    EXPECT_EQ(decode_image(bytes, "a", 2048).width, 64);
    EXPECT_ERROR(decode_image(bytes, "a", 2047), ErrorCode::kFormat, "at most 0 megapixels 'a'");
  }
  // A whole PNG of much emptiness: 100 megapixels in 300 kB.
  const std::vector<std::byte> empty = encode_png(make_image(10000, 10000));
  EXPECT_LT(empty.size(), size_t{1} << 20);
  EXPECT_ERROR(decode_image(empty, "empty", 32'000'000), ErrorCode::kFormat, "32 megapixels");
}

}  // namespace
}  // namespace mw::video
