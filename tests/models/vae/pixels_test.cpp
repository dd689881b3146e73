// SPDX-License-Identifier: Apache-2.0
#include "mw/models/vae/pixels.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include "tests/support/pictures.h"
#include "tests/support/tensors.h"

namespace mw::vae {
namespace {

TEST(PixelsTest, AnImageComesBackTheSame) {
  const video::Image image = test::noise_picture(17, 9, 1);
  const at::Tensor pixels = to_pixels(image);
  EXPECT_EQ(pixels.sizes(), (std::vector<int64_t>{1, 3, 9, 17}));
  EXPECT_EQ(pixels[0][1][2][5].item<float>(),
            static_cast<float>(image.rgb[3 * (2 * 17 + 5) + 1]) / 127.5F - 1);
  EXPECT_EQ(to_image(pixels), image);
}

TEST(PixelsTest, BytesSpanMinusOneToOne) {
  const at::Tensor pixels = to_pixels(at::arange(0, 256, 51, at::TensorOptions(at::kByte)));
  EXPECT_TENSOR_NEAR(pixels, at::arange(-1, 1.1, 0.4, at::TensorOptions(at::kFloat)), 1e-6);
}

TEST(PixelsTest, WhatIsOutsideIsClampedAndTheShapeIsChecked) {
  const auto level = [](double value) {
    return to_image(at::full({1, 3, 2, 2}, value, at::TensorOptions(at::kFloat))).rgb[0];
  };
  EXPECT_EQ(level(-7), 0);
  EXPECT_EQ(level(7), 255);
  EXPECT_EQ(level(0), 128);  // 127.5, to the even neighbour.
  EXPECT_ERROR(to_image(at::full({3, 2, 2}, 0.0)), ErrorCode::kInvalidArgument,
               "wanted [1, 3, H, W], got [3, 2, 2]");
}

}  // namespace
}  // namespace mw::vae
