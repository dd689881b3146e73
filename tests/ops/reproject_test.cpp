// SPDX-License-Identifier: Apache-2.0
#include "mw/ops/reproject.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numbers>

#include "tests/support/tensors.h"

namespace mw::ops {
namespace {

constexpr int64_t kHeight = 96, kWidth = 176;
constexpr double kFocal = 66.07;

using Vector = std::array<double, 3>;

struct Pose {
  double yaw = 0, pitch = 0;
  Vector eye{0, 1.625, 0};
};

at::Tensor to_tensor(const Pose& pose) {
  return at::tensor({pose.yaw, pose.pitch, pose.eye[0], pose.eye[1], pose.eye[2]}, at::kDouble)
      .unsqueeze(0);
}

/// Direction in the world of the ray through a pixel, planar depth 1, by rotating the ray about
/// the camera's own axis and then about the vertical.
Vector world_ray(const Pose& pose, double column, double row) {
  const double radians = std::numbers::pi / 180;
  const double x = (column - 0.5 * (kWidth - 1)) / kFocal;
  const double y = -(row - 0.5 * (kHeight - 1)) / kFocal;  // Up.
  const double cp = std::cos(pose.pitch * radians), sp = std::sin(pose.pitch * radians);
  const double up = y * cp - sp, ahead = cp + y * sp;
  const double cy = std::cos(pose.yaw * radians), sy = std::sin(pose.yaw * radians);
  return {x * cy + ahead * sy, up, -x * sy + ahead * cy};
}

/// A world of smooth colour: ground at height 0, a wall around x, z = +-12, and a sky above it.
struct Scene {
  at::Tensor frame = at::empty({1, 3, kHeight, kWidth}, at::kFloat);
  at::Tensor inverse_depth = at::empty({1, 1, kHeight / 4, kWidth / 4}, at::kFloat);

  explicit Scene(const Pose& pose) {
    auto pixels = frame.accessor<float, 4>();
    auto depths = inverse_depth.accessor<float, 4>();
    for (int64_t i = 0; i < kHeight; ++i) {
      for (int64_t j = 0; j < kWidth; ++j) {
        const Vector ray = world_ray(pose, static_cast<double>(j), static_cast<double>(i));
        const double inverse = inverse_depth_of(pose, ray);
        for (int c = 0; c < 3; ++c) pixels[0][c][i][j] = colour(pose, ray, inverse, c);
      }
    }
    for (int64_t i = 0; i < kHeight / 4; ++i) {
      for (int64_t j = 0; j < kWidth / 4; ++j) {
        const double column = 4.0 * static_cast<double>(j) + 1.5;
        const double row = 4.0 * static_cast<double>(i) + 1.5;
        depths[0][0][i][j] = static_cast<float>(
            std::sqrt(std::min(1.0, inverse_depth_of(pose, world_ray(pose, column, row)))));
      }
    }
  }

  static double inverse_depth_of(const Pose& pose, const Vector& ray) {
    double inverse = ray[1] < 0 ? -ray[1] / pose.eye[1] : 0;
    for (const int axis : {0, 2}) {
      const double wall = ray[axis] > 0 ? 12 : -12;
      const double to_wall = ray[axis] / (wall - pose.eye[axis]);
      if (to_wall <= inverse) continue;
      if (pose.eye[1] + ray[1] / to_wall < 4) inverse = to_wall;
    }
    return inverse;
  }

  static float colour(const Pose& pose, const Vector& ray, double inverse, int channel) {
    if (inverse == 0) {
      return static_cast<float>(0.5 * std::sin(3 * std::atan2(ray[0], ray[2]) + channel));
    }
    double value = channel;
    for (int k = 0; k < 3; ++k) value += (1.1 + 0.3 * k) * (pose.eye[k] + ray[k] / inverse);
    return static_cast<float>(0.5 * std::sin(value));
  }
};

double mean_error(const Reprojection& moved, const at::Tensor& wanted) {
  const at::Tensor mask = moved.mask.expand_as(wanted);
  return moved.frame.sub(wanted).abs().mul(mask).sum().div(mask.sum()).item<double>();
}

TEST(ReprojectTest, NoMotionReturnsTheSameBytes) {
  const Scene scene({.yaw = 37, .pitch = 12});
  const at::Tensor pose = to_tensor({.yaw = 37, .pitch = 12});
  const Reprojection same = reproject(scene.frame, scene.inverse_depth, pose, pose, {});
  EXPECT_TENSOR_NEAR(same.frame, scene.frame, test::kExact);
  EXPECT_EQ(same.mask.min().item<double>(), 1);
  EXPECT_EQ(same.parallax.max().item<double>(), 0);
}

TEST(ReprojectTest, TurningShowsTheSkyFromTheNewAngle) {
  // All sky: only directions count, so a turn is exact up to resampling.
  const Pose before{.yaw = 10, .pitch = -40, .eye = {0, 100, 0}};
  Pose after = before;
  after.yaw += 4;
  after.pitch -= 2.5;
  const Reprojection moved =
      reproject(Scene(before).frame, {}, to_tensor(before), to_tensor(after), {});
  EXPECT_LT(mean_error(moved, Scene(after).frame), 1e-3);
  // 4 degrees to the right uncover a strip of about 66 * tan(4) = 4.6 pixels, and more in corners.
  const at::Tensor middle = moved.mask[0][0][kHeight / 2];
  EXPECT_NEAR(middle.sum().item<double>(), kWidth - 12, 6);
  EXPECT_EQ(middle[0].item<float>(), 1);
  EXPECT_EQ(middle[kWidth - 1].item<float>(), 0);
}

TEST(ReprojectTest, TurningThereAndBackReturns) {
  const Pose before{.yaw = 200, .pitch = -40, .eye = {0, 100, 0}};
  Pose after = before;
  after.yaw -= 3;
  after.pitch += 2;
  const Scene scene(before);
  const Reprojection there = reproject(scene.frame, {}, to_tensor(before), to_tensor(after), {});
  const Reprojection back = reproject(there.frame, {}, to_tensor(after), to_tensor(before), {});
  const at::Tensor inner = back.frame.sub(scene.frame).abs().narrow(2, 12, 72).narrow(3, 16, 144);
  EXPECT_LT(inner.mean().item<double>(), 4e-3);
}

/// Moves through the analytic scene, with its depth.
class ReprojectMoveTest : public ::testing::TestWithParam<Pose> {};

TEST_P(ReprojectMoveTest, DepthShowsTheSceneFromTheNewPlace) {
  const Pose before{.yaw = 25, .pitch = 8, .eye = {1, 1.7, -2}};
  Pose after = before;
  after.yaw += GetParam().yaw;
  after.pitch += GetParam().pitch;
  for (int k = 0; k < 3; ++k) after.eye[k] += GetParam().eye[k];
  const Scene scene(before);
  const at::Tensor wanted = Scene(after).frame;
  const Reprojection moved = reproject(scene.frame, scene.inverse_depth, to_tensor(before),
                                       to_tensor(after), {.focal = kFocal});
  const double unmoved = scene.frame.sub(wanted).abs().mean().item<double>();
  EXPECT_LT(mean_error(moved, wanted), 0.2 * unmoved);
  EXPECT_GT(moved.mask.mean().item<double>(), 0.85);
}

INSTANTIATE_TEST_SUITE_P(Moves, ReprojectMoveTest,
                         ::testing::Values(Pose{.eye = {0.1, 0, 0.23}}, Pose{.eye = {0.2, 0, -0.1}},
                                           Pose{.yaw = 3, .pitch = -2, .eye = {0, 0.2, 0.25}},
                                           Pose{.eye = {-0.1, 0, -0.22}}));

TEST(ReprojectTest, FlatGroundStandsInForDepth) {
  const Pose before{.pitch = 40};
  Pose after = before;
  after.eye[2] += 0.25;
  const Scene scene(before);
  const Reprojection moved = reproject(scene.frame, {}, to_tensor(before), to_tensor(after),
                                       {.eye_height = 1.625, .wall_distance = 12});
  EXPECT_LT(mean_error(moved, Scene(after).frame), 0.02);
}

TEST(ReprojectTest, SkyTurnsButDoesNotComeNearer) {
  const Pose before{.pitch = -40, .eye = {0, 50, 0}};
  Pose after = before;
  after.eye = {3, 52, 5};
  const Scene scene(before);
  const Reprojection moved =
      reproject(scene.frame, scene.inverse_depth, to_tensor(before), to_tensor(after), {});
  EXPECT_LT(moved.parallax.max().item<double>(), 1e-3);
  EXPECT_TENSOR_NEAR(moved.frame, scene.frame, test::kFp32Parity);
}

TEST(ReprojectTest, ItemsDoNotMix) {
  const Pose first{.yaw = 1}, second{.yaw = 90, .pitch = 10};
  Pose moved = second;
  moved.eye[0] += 0.2;
  const Scene a(first), b(second);
  const auto pair = [](const at::Tensor& x, const at::Tensor& y) {
    at::Tensor both = at::empty({2, x.size(1)}, at::kDouble);
    both[0].copy_(x[0]);
    both[1].copy_(y[0]);
    return both;
  };
  at::Tensor frames = a.frame.repeat({2, 1, 1, 1}), depths = a.inverse_depth.repeat({2, 1, 1, 1});
  frames[1].copy_(b.frame[0]);
  depths[1].copy_(b.inverse_depth[0]);
  const Reprojection both = reproject(frames, depths, pair(to_tensor(first), to_tensor(second)),
                                      pair(to_tensor(first), to_tensor(moved)), {});
  EXPECT_TENSOR_NEAR(both.frame.narrow(0, 0, 1), a.frame, test::kExact);
  EXPECT_TENSOR_NEAR(
      both.frame.narrow(0, 1, 1),
      reproject(b.frame, b.inverse_depth, to_tensor(second), to_tensor(moved), {}).frame,
      test::kFp32Reordered);
}

TEST(ReprojectTest, WrongShapesAreNamed) {
  const at::Tensor pose = to_tensor({});
  const at::Tensor frame = at::empty({2, 3, 8, 8}, at::kFloat);
  EXPECT_ERROR(reproject(frame, {}, pose, pose, {}), ErrorCode::kInvalidArgument, "[2, 5]");
}

}  // namespace
}  // namespace mw::ops
