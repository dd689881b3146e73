// SPDX-License-Identifier: Apache-2.0
#include "mw/ops/reproject.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/grid_sampler.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/meshgrid.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <numbers>

#include "mw/core/error.h"

namespace mw::ops {
namespace {

// Interpolation and padding codes of at::grid_sampler.
constexpr int64_t kBilinear = 0, kBicubic = 2, kBorder = 1;

// Nearer than this, in 1/nodes, nothing is: the recorder's depth ends at one node.
constexpr double kNearestInverse = 1.0;

// A source that still moves by more than this, in pixels, in the last iteration was not found.
constexpr double kSettled = 1.0;

/// x and y of a point on the image plane at distance 1: [..., 2] from [..., 3].
at::Tensor project(const at::Tensor& points) {
  return points.narrow(-1, 0, 2).div(points.narrow(-1, 2, 1).clamp_min(1e-4));
}

/// Rays through all pixel centres, z = 1: [H, W, 3].
at::Tensor pixel_rays(int64_t height, int64_t width, double focal, const at::TensorOptions& like) {
  const auto axis = [&](int64_t size) {
    return at::arange(size, like).sub(0.5 * static_cast<double>(size - 1)).div(focal);
  };
  const std::vector<at::Tensor> grid = at::meshgrid({axis(height), axis(width)}, "ij");
  return at::stack({grid[1], grid[0], at::ones_like(grid[0])}, -1);
}

/// Rows of 3-vectors times one matrix per item. vectors: [B or 1, H, W, 3]; matrices: [B, 3, 3].
at::Tensor apply(const at::Tensor& matrices, const at::Tensor& vectors) {
  return vectors.matmul(matrices.transpose(1, 2).unsqueeze(1));
}

}  // namespace

at::Tensor camera_axes(const at::Tensor& pose) {
  const at::Tensor angles = pose.narrow(1, 0, 2).mul(std::numbers::pi / 180);
  const at::Tensor sine = angles.sin(), cosine = angles.cos();
  const at::Tensor sy = sine.select(1, 0), cy = cosine.select(1, 0);
  const at::Tensor sp = sine.select(1, 1), cp = cosine.select(1, 1);
  const at::Tensor right = at::stack({cy, at::zeros_like(cy), sy.neg()}, -1);
  const at::Tensor down = at::stack({sy.mul(sp).neg(), cp.neg(), cy.mul(sp).neg()}, -1);
  const at::Tensor forward = at::stack({sy.mul(cp), sp.neg(), cy.mul(cp)}, -1);
  return at::stack({right, down, forward}, 1);
}

Reprojection reproject(const at::Tensor& frame, const at::Tensor& inverse_depth,
                       const at::Tensor& pose_before, const at::Tensor& pose_after,
                       const ReprojectConfig& config) {
  MW_CHECK(frame.dim() == 4, "reproject: frame must be [B, C, H, W], got ", frame.sizes());
  const int64_t batch = frame.size(0), height = frame.size(2), width = frame.size(3);
  MW_CHECK(pose_before.sizes() == at::IntArrayRef({batch, 5}) &&
               pose_after.sizes() == at::IntArrayRef({batch, 5}),
           "reproject: poses must be [", batch, ", 5], got ", pose_before.sizes(), " and ",
           pose_after.sizes());
  MW_CHECK(
      !inverse_depth.defined() || (inverse_depth.dim() == 4 && inverse_depth.size(0) == batch &&
                                   inverse_depth.size(1) == 1),
      "reproject: inverse_depth must be [", batch, ", 1, h, w], got ", inverse_depth.sizes());

  // Angles and positions in float64, pixels in float32.
  const at::Tensor before = pose_before.to(at::kDouble), after = pose_after.to(at::kDouble);
  const at::Tensor axes_before = camera_axes(before), axes_after = camera_axes(after);
  const at::Tensor moved = after.narrow(1, 2, 3).sub(before.narrow(1, 2, 3)).unsqueeze(-1);
  const at::Tensor turn64 = axes_before.matmul(axes_after.transpose(1, 2));  // New to old camera.
  const at::TensorOptions floats = frame.options().dtype(at::kFloat);
  const at::Tensor turn = turn64.to(floats);
  const at::Tensor shift = axes_before.matmul(moved).squeeze(-1).to(floats).view({batch, 1, 1, 3});

  const at::Tensor rays = pixel_rays(height, width, config.focal, floats).unsqueeze(0);
  const at::Tensor turned = apply(turn, rays);         // [B, H, W, 3] in the old camera.
  const auto to_grid = [&](const at::Tensor& plane) {  // Image plane to [-1, 1] over the frame.
    return at::stack({plane.select(-1, 0).mul(2 * config.focal / static_cast<double>(width)),
                      plane.select(-1, 1).mul(2 * config.focal / static_cast<double>(height))},
                     -1);
  };
  const at::Tensor turned_plane = project(turned);
  at::Tensor plane = turned_plane;
  at::Tensor is_settled = turned.select(-1, 2).gt(1e-3);

  if (inverse_depth.defined()) {
    const at::Tensor depth = inverse_depth.to(at::kFloat).clamp(0, 1);
    const at::Tensor inverse_turn = turn.transpose(1, 2);
    at::Tensor previous = plane;
    for (int64_t i = 0; i < config.iterations; ++i) {
      previous = plane;
      const at::Tensor root = at::grid_sampler(depth, to_grid(plane), kBilinear, kBorder, false);
      const at::Tensor inverse = root.square().permute({0, 2, 3, 1});  // [B, H, W, 1], 1 / z_old.
      // The point d / w of the old camera lies at depth (d - w b)_z / w in the new one.
      const at::Tensor ray = at::stack(
          {plane.select(-1, 0), plane.select(-1, 1), at::ones_like(plane.select(-1, 0))}, -1);
      const at::Tensor new_depth =
          apply(inverse_turn, ray.sub(inverse.mul(shift))).narrow(-1, 2, 1).clamp_min(1e-3);
      plane = project(turned.add(inverse.div(new_depth).clamp_max(kNearestInverse).mul(shift)));
    }
    const at::Tensor change = plane.sub(previous).mul(config.focal).square().sum(-1).sqrt();
    is_settled = is_settled.logical_and(change.lt(kSettled));
  } else {
    // Rays of the new camera meet the ground at depth eye_height / -y.
    const at::Tensor world = apply(axes_after.transpose(1, 2).to(floats), rays);
    const at::Tensor inverse = world.narrow(-1, 1, 1)
                                   .neg()
                                   .div(config.eye_height)
                                   .clamp(1 / config.wall_distance, kNearestInverse);
    plane = project(turned.add(inverse.mul(shift)));
  }

  const at::Tensor grid = to_grid(plane);
  const at::Tensor is_inside = grid.abs().le(1).all(-1).logical_and(is_settled);
  const at::Tensor sampled =
      at::grid_sampler(frame.to(at::kFloat).contiguous(), grid, kBicubic, kBorder, false);

  // Resampling in place would cost a rounding: what does not move stays the same bytes.
  const at::Tensor is_still = before.eq(after).all(1).view({batch, 1, 1, 1});
  return {
      .frame = at::where(is_still, frame, sampled.to(frame.scalar_type())),
      .mask = is_inside.unsqueeze(1).logical_or(is_still).to(at::kFloat),
      .parallax = plane.sub(turned_plane).mul(config.focal).square().sum(-1).sqrt().unsqueeze(1)};
}

}  // namespace mw::ops
