// SPDX-License-Identifier: Apache-2.0
#include "mw/video/resample.h"

#include <gtest/gtest.h>

#include <string>

#include "mw/video/image_file.h"
#include "tests/support/expect_error.h"

namespace mw::video {
namespace {

/// Bytes without any pattern that a filter could be lucky with; see tools/goldens/resample.py.
Image picture(int width, int height) {
  Image image = make_image(width, height);
  for (size_t i = 0; i < image.rgb.size(); ++i) {
    image.rgb[i] = static_cast<uint8_t>((i * i * 7 + i * 31) % 256);
  }
  return image;
}

struct Case {
  const char* name;
  Filter filter;
  int width, height;
};

class ResampleTest : public ::testing::TestWithParam<Case> {};

TEST_P(ResampleTest, IsPillowsToTheBit) {
  const Case& c = GetParam();
  const std::string golden = std::string(MW_SOURCE_DIR) + "/tests/goldens/video/resample_" +
                             c.name + "_" + size_text(c.width, c.height) + ".png";
  EXPECT_EQ(resample(picture(37, 23), c.width, c.height, c.filter), read_image(golden));
}

INSTANTIATE_TEST_SUITE_P(Pillow, ResampleTest,
                         ::testing::Values(Case{"bicubic", Filter::kBicubic, 20, 30},
                                           Case{"bicubic", Filter::kBicubic, 61, 40},
                                           Case{"bicubic", Filter::kBicubic, 20, 9},
                                           Case{"lanczos", Filter::kLanczos, 32, 16},
                                           Case{"lanczos", Filter::kLanczos, 11, 40}));

TEST(ResampleTest, OwnSizeIsTheImageItself) {
  EXPECT_EQ(resample(picture(9, 7), 9, 7, Filter::kLanczos), picture(9, 7));
}

TEST(ResampleTest, ImpossibleSizesAreRefused) {
  EXPECT_ERROR(resample(picture(4, 4), 0, 4, Filter::kBicubic), ErrorCode::kInvalidArgument, "0x4");
}

TEST(CropTest, TakesTheNamedPart) {
  const Image image = picture(9, 7), part = crop(image, 2, 3, 5, 4);
  ASSERT_EQ(size_text(part.width, part.height), "5x4");
  EXPECT_EQ(part.rgb[0], image.rgb[3 * (3 * 9 + 2)]);
  EXPECT_EQ(part.rgb.back(), image.rgb[3 * (6 * 9 + 6) + 2]);
  EXPECT_ERROR(crop(image, 5, 3, 5, 4), ErrorCode::kInvalidArgument,
               "5x4 at (5, 3) is not inside 9x7");
}

}  // namespace
}  // namespace mw::video
