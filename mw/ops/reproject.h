// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace mw::ops {

/// The lens, and the world that is assumed where no depth is known.
struct ReprojectConfig {
  double focal = 66.07;       ///< In pixels; the principal point is the centre of the frame.
  double eye_height = 1.47;   ///< Of the camera over flat ground, in nodes.
  double wall_distance = 24;  ///< Planar depth of all that is not ground, in nodes.
  int64_t iterations = 3;     ///< Of the search for each pixel's source, with depth.
};

/// A frame seen from elsewhere.
struct Reprojection {
  at::Tensor frame;     ///< [B, 3, H, W], the dtype of the input; edges continue outside the mask.
  at::Tensor mask;      ///< [B, 1, H, W] float32: 1 where the pixel was seen before, otherwise 0.
  at::Tensor parallax;  ///< [B, 1, H, W] float32: pixels moved by the displacement alone.
};

/// What the camera would see after a move, from what it saw before.
///
/// frame: [B, 3, H, W] floating.
/// inverse_depth: [B, 1, h, w], the square root of the inverse planar depth of `frame` in 1/nodes,
/// 0 for the sky; undefined for flat ground with far walls. The sky turns but does not come nearer.
/// pose_before, pose_after: [B, 5] float64: yaw and pitch in degrees (clockwise from +z; positive
/// looks down), then x, y, z in nodes (east, up, north).
///
/// Turning alone is the exact homography of a pinhole camera, resampled bicubically; an item that
/// does not move is returned as it was. With depth each pixel looks for its source by fixed-point
/// iteration over the old view's depth; where that does not settle, something was uncovered and the
/// mask is 0.
Reprojection reproject(const at::Tensor& frame, const at::Tensor& inverse_depth,
                       const at::Tensor& pose_before, const at::Tensor& pose_after,
                       const ReprojectConfig& config);

/// Axes of the camera in the world: rows right, down, forward. pose: [B, 5]; result [B, 3, 3].
at::Tensor camera_axes(const at::Tensor& pose);

}  // namespace mw::ops
