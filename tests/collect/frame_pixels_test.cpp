// SPDX-License-Identifier: Apache-2.0
#include "mw/collect/frame_pixels.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/expect_error.h"

namespace mw::collect {
namespace {

constexpr int kWidth = 16, kHeight = 16;

/// The buffer value of a depth in nodes, for a projection with near and far planes in the game's
/// units (tenths of a node), as OpenGL defines it.
float buffer_value(double nodes, double near, double far) {
  const double z = nodes * 10;
  const double device = (far + near) / (far - near) - 2 * far * near / ((far - near) * z);
  return static_cast<float>((device + 1) / 2);
}

RawFrame flat_frame(double nodes) {
  constexpr double kNear = 1, kFar = 20000;
  RawFrame frame;
  frame.color.assign(kWidth * kHeight * 3, 0);
  frame.depth.assign(kWidth * kHeight, buffer_value(nodes, kNear, kFar));
  frame.projection[10] = static_cast<float>((kFar + kNear) / (kFar - kNear));
  frame.projection[11] = 1;
  frame.projection[14] = static_cast<float>(-2 * kFar * kNear / (kFar - kNear));
  return frame;
}

TEST(FramePixelsTest, HalvesByMeansAndPutsTheTopRowFirst) {
  RawFrame frame = flat_frame(5);
  for (size_t i = 0; i < 3 * kWidth; ++i) {
    frame.color[i] = 40;  // The bottom row of OpenGL.
  }
  const video::Image image = downsample(frame, kWidth, kHeight);
  ASSERT_EQ(image.width, kWidth / 2);
  EXPECT_EQ(image.rgb.front(), 0);
  EXPECT_EQ(image.rgb.back(), 20);  // Half of the last row's pixels.
}

TEST(FramePixelsTest, DepthBufferInvertsToNodes) {
  for (const double nodes : {0.3, 1.0, 4.0, 25.0, 90.0}) {
    const RawFrame frame = flat_frame(nodes);
    EXPECT_NEAR(planar_depth(frame.depth[0], frame.projection), nodes, nodes * 0.002);
  }
  EXPECT_TRUE(std::isinf(planar_depth(1.0F, flat_frame(1).projection)));
}

TEST(FramePixelsTest, InverseDepthIsARootInBytes) {
  EXPECT_EQ(inverse_depth(flat_frame(6.25), kWidth, kHeight), std::vector<uint8_t>(4, 102));
  EXPECT_EQ(inverse_depth(flat_frame(0.5), kWidth, kHeight), std::vector<uint8_t>(4, 255));
  RawFrame sky = flat_frame(1);
  sky.depth.assign(sky.depth.size(), 1.0F);
  EXPECT_EQ(inverse_depth(sky, kWidth, kHeight), std::vector<uint8_t>(4, 0));
}

TEST(FramePixelsTest, RefusesAnotherSize) {
  EXPECT_ERROR(downsample(flat_frame(1), kWidth, kHeight + 2), ErrorCode::kInvalidArgument,
               "16x18");
}

}  // namespace
}  // namespace mw::collect
