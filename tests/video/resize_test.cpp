// SPDX-License-Identifier: Apache-2.0
#include "mw/video/resize.h"

#include <gtest/gtest.h>

#include "tests/support/expect_error.h"
#include "tests/support/pictures.h"

namespace mw::video {
namespace {

using test::noise_picture;
using test::psnr;
using test::smooth_picture;

TEST(ResizeTest, SameSizeIsTheSameImage) {
  const Image image = noise_picture(31, 17, 1);
  EXPECT_EQ(resize(image, 31, 17), image);
}

TEST(ResizeTest, HalvingAveragesTwoByTwoPixels) {
  const Image image = noise_picture(352, 192, 2);
  const Image half = resize(image, 176, 96);
  for (int y = 0; y < 96; ++y) {
    for (int x = 0; x < 176; ++x) {
      for (int c = 0; c < 3; ++c) {
        const auto at = [&](int dy, int dx) {
          return image.rgb[static_cast<size_t>(((2 * y + dy) * 352 + 2 * x + dx) * 3 + c)];
        };
        const double mean = (at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1)) / 4.0;
        ASSERT_NEAR(half.rgb[static_cast<size_t>((y * 176 + x) * 3 + c)], mean, 1.01);
      }
    }
  }
}

TEST(ResizeTest, SmoothPicturesSurviveGrowingAndShrinking) {
  const Image image = smooth_picture(176, 96, 0);
  const Image large = resize(image, 704, 384);
  EXPECT_GT(psnr(large, smooth_picture(704, 384, 0)), 36);
  EXPECT_GT(psnr(resize(large, 176, 96), image), 40);
}

TEST(ResizeTest, FlatColourStaysFlatAtAnySize) {
  Image image = make_image(50, 30);
  for (size_t i = 0; i < image.rgb.size(); ++i)
    image.rgb[i] = i % 3 == 0 ? 255 : i % 3 == 1 ? 7 : 0;
  for (const auto& [width, height] : {std::pair(1, 1), {49, 31}, {200, 10}, {3, 300}}) {
    const Image resized = resize(image, width, height);
    for (size_t i = 0; i < resized.rgb.size(); ++i)
      ASSERT_NEAR(resized.rgb[i], image.rgb[i % 3], 1);
  }
}

TEST(ResizeTest, CropKeepsTheMiddle) {
  Image image = make_image(300, 100);
  for (int y = 0; y < 100; ++y) {
    for (int x = 100; x < 200; ++x) image.rgb[static_cast<size_t>((y * 300 + x) * 3)] = 200;
  }
  const Image square = crop_and_resize(image, 50, 50);
  for (size_t i = 0; i < square.rgb.size(); i += 3) ASSERT_NEAR(square.rgb[i], 200, 1);
  const Image tall = crop_and_resize(image, 10, 100);
  EXPECT_EQ(size_text(tall.width, tall.height), "10x100");
}

TEST(ResizeTest, SizesAreChecked) {
  const Image image = make_image(4, 4);
  EXPECT_ERROR(resize(image, 0, 4), ErrorCode::kInvalidArgument, "got 0x4");
  EXPECT_ERROR(resize(image, 4, 40000), ErrorCode::kInvalidArgument, "got 4x40000");
  EXPECT_ERROR(crop_and_resize(image, 4, -1), ErrorCode::kInvalidArgument, "got 4x-1");
}

}  // namespace
}  // namespace mw::video
