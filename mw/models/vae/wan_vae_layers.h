// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

#include "mw/models/vae/stream_cache.h"
#include "mw/nn/conv.h"
#include "mw/nn/parameter_store.h"

/// Layers of the Wan video autoencoders. All take and give chunks of a video, [B, C, F, H, W],
/// and give for a video in chunks what they give for the whole of it. Source: `wan/modules/vae.py`
/// in github.com/Wan-Video/Wan2.1; arXiv:2503.20314, section 4.1.
namespace mw::vae {

/// Channels scaled to a mean square of one at every position: `x / |x| * sqrt(C) * gamma`, in
/// float32, returned in the dtype of `x`.
class ChannelNorm {
 public:
  /// Binds `gamma`, [C, 1, 1, 1], or [C, 1, 1] when `is_picture`.
  ChannelNorm(const nn::WeightScope& weights, int64_t channels, bool is_picture = false);
  /// x: [B, C, F, H, W], or [N, C, H, W] when it is of pictures.
  at::Tensor forward(const at::Tensor& x) const;

 private:
  at::Tensor gamma_;
};

/// 3x3x3 convolution in which a frame sees itself and the two frames before it, zeros before the
/// first.
class CausalConv3d {
 public:
  CausalConv3d(const nn::WeightScope& weights, int64_t in, int64_t out);
  at::Tensor forward(const at::Tensor& x, StreamCache& cache) const;

 private:
  nn::Conv3d conv_;
};

/// `shortcut(x) + conv(silu(norm(conv(silu(norm(x))))))`.
class CausalResidualBlock {
 public:
  CausalResidualBlock(const nn::WeightScope& weights, int64_t in, int64_t out);
  at::Tensor forward(const at::Tensor& x, StreamCache& cache) const;

 private:
  ChannelNorm norm1_;
  CausalConv3d conv1_;
  ChannelNorm norm2_;
  CausalConv3d conv2_;
  std::optional<nn::Conv3d> shortcut_;  // 1x1x1, when the widths differ.
};

/// `x + proj(attention(norm(x)))`, one head over the positions of each frame by itself.
class FrameAttention {
 public:
  FrameAttention(const nn::WeightScope& weights, int64_t channels);
  at::Tensor forward(const at::Tensor& x) const;

 private:
  ChannelNorm norm_;
  nn::Conv2d to_qkv_, proj_;
};

/// Halves the picture, and the frame rate when `is_temporal`: the first frame stays a frame by
/// itself, then every two become one.
class Downsample {
 public:
  Downsample(const nn::WeightScope& weights, int64_t channels, bool is_temporal);
  /// H and W are even. Temporal: the first chunk has an odd number of frames, later ones an even.
  at::Tensor forward(const at::Tensor& x, StreamCache& cache) const;

 private:
  nn::Conv2d conv_;
  std::optional<nn::Conv3d> time_conv_;
};

/// Doubles the picture; when `is_temporal`, every frame becomes two, but
/// the first one, which no later frame sees here either.
class Upsample {
 public:
  Upsample(const nn::WeightScope& weights, int64_t in, int64_t out, bool is_temporal);
  at::Tensor forward(const at::Tensor& x, StreamCache& cache) const;

 private:
  nn::Conv2d conv_;
  std::optional<nn::Conv3d> time_conv_;
};

}  // namespace mw::vae
