// SPDX-License-Identifier: Apache-2.0
#include "mw/ops/picture_quality.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

#include "tests/support/tensors.h"

namespace mw::ops {
namespace {

/// A picture of 64 rows and 80 columns; `texture` adds a pattern to it.
at::Tensor slanted(bool texture) {
  at::Tensor picture = at::empty({1, 3, 64, 80}, at::TensorOptions(at::kDouble));
  auto values = picture.accessor<double, 4>();
  for (int64_t c = 0; c < 3; ++c) {
    for (int64_t y = 0; y < 64; ++y) {
      for (int64_t x = 0; x < 80; ++x) {
        const int64_t extra = texture ? x * y % 17 : 0;
        values[0][c][y][x] = static_cast<double>((3 * x + 5 * y + 40 * c + extra) % 256) / 255;
      }
    }
  }
  return picture;
}

TEST(PictureQualityTest, AgreesWithOpenCVsAndNumPysFigures) {
  const at::Tensor a = slanted(false), b = slanted(true);
  EXPECT_NEAR(psnr(a, b).item<double>(), 15.4867380, 1e-6);
  EXPECT_NEAR(ssim(a, b).item<double>(), 0.7467676437, 1e-8);
}

TEST(PictureQualityTest, PicturesAreJudgedByThemselves) {
  const at::Tensor a = slanted(false), b = slanted(true);
  const at::Tensor left = at::cat({a, a}), right = at::cat({a, b});
  EXPECT_NEAR(ssim(left, right)[0].item<double>(), 1, 1e-12);
  EXPECT_NEAR(ssim(left, right)[1].item<double>(), ssim(a, b).item<double>(), 1e-12);
  EXPECT_NEAR(psnr(left, right)[0].item<double>(), 100, 1e-9);
}

TEST(PictureQualityTest, BadShapesAreNamed) {
  const at::Tensor small = test::random_tensor({1, 3, 8, 16}, 1);
  EXPECT_ERROR(ssim(small, small), ErrorCode::kInvalidArgument, "at least 11");
  EXPECT_ERROR(psnr(small, slanted(false)), ErrorCode::kInvalidArgument, "[1, 3, 64, 80]");
}

}  // namespace
}  // namespace mw::ops
