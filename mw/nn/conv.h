// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <optional>

#include "mw/nn/parameter_store.h"

namespace mw::nn {

/// Sizes of a convolution over frames of [B, C, H, W].
struct Conv2dConfig {
  int64_t in = 0;
  int64_t out = 0;
  int64_t kernel = 3;
  int64_t stride = 1;
  int64_t padding = 1;  ///< Zeros on every side.
  bool has_bias = true;
};

/// 2-D convolution with `weight [out, in, k, k]` and `bias [out]`.
class Conv2d {
 public:
  Conv2d(const WeightScope& weights, const Conv2dConfig& config,
         std::optional<Init> weight_init = std::nullopt);
  /// x: [B, in, H, W].
  at::Tensor forward(const at::Tensor& x) const;
  at::ScalarType dtype() const { return weight_.scalar_type(); }

 private:
  Conv2dConfig config_;
  at::Tensor weight_, bias_;
};

/// Sizes of a convolution over a video of [B, C, F, H, W]; no padding of its own.
struct Conv3dConfig {
  int64_t in = 0;
  int64_t out = 0;
  std::array<int64_t, 3> kernel = {3, 3, 3};  ///< Frames, rows, columns.
  std::array<int64_t, 3> stride = {1, 1, 1};
};

/// 3-D convolution with `weight [out, in, kF, kH, kW]` and `bias [out]`.
class Conv3d {
 public:
  Conv3d(const WeightScope& weights, const Conv3dConfig& config,
         std::optional<Init> weight_init = std::nullopt);
  /// x: [B, in, F, H, W]; `padding` adds zeros to both sides of frames, rows, columns.
  at::Tensor forward(const at::Tensor& x, std::array<int64_t, 3> padding = {0, 0, 0}) const;

 private:
  Conv3dConfig config_;
  at::Tensor weight_, bias_;
};

}  // namespace mw::nn
