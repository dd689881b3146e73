// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "mw/models/vae/residual_shortcuts.h"
#include "mw/models/vae/stream_cache.h"
#include "mw/models/vae/wan_vae_config.h"
#include "mw/models/vae/wan_vae_layers.h"
#include "mw/nn/parameter_store.h"

namespace mw::vae {

/// The widest part of both networks: residual block, attention, residual block.
class MiddleBlock {
 public:
  MiddleBlock(const nn::WeightScope& weights, int64_t channels);
  at::Tensor forward(const at::Tensor& x, StreamCache& cache) const;

 private:
  CausalResidualBlock first_;
  FrameAttention attention_;
  CausalResidualBlock last_;
};

/// Norm, SiLU and the last convolution of both networks.
class OutputHead {
 public:
  OutputHead(const nn::WeightScope& weights, int64_t in, int64_t out);
  at::Tensor forward(const at::Tensor& x, StreamCache& cache) const;

 private:
  ChannelNorm norm_;
  CausalConv3d conv_;
};

/// A chunk of video into mean and log variance of its latents, before the last 1x1x1 convolution.
class VideoEncoder {
 public:
  VideoEncoder(const WanVAEConfig& config, const nn::WeightScope& weights);
  /// video: [B, pixel_channels, F, H, W]; the result is [B, 2 z_dim, T, h, w].
  at::Tensor forward(const at::Tensor& video, StreamCache& cache) const;

 private:
  struct Level {
    std::vector<CausalResidualBlock> blocks;
    std::optional<Downsample> downsample;  // Not at the last level.
    std::optional<LevelResize> shortcut;   // In residual networks.
  };
  CausalConv3d conv_in_;
  std::vector<Level> levels_;
  MiddleBlock middle_;
  OutputHead head_;
};

/// A chunk of latents into its frames.
class VideoDecoder {
 public:
  VideoDecoder(const WanVAEConfig& config, const nn::WeightScope& weights);
  /// latents: [B, z_dim, T, h, w]; the result is [B, pixel_channels, F, H, W], not clamped.
  at::Tensor forward(const at::Tensor& latents, StreamCache& cache) const;

 private:
  struct Level {
    std::vector<CausalResidualBlock> blocks;
    std::optional<Upsample> upsample;     // Not at the last level.
    std::optional<LevelResize> shortcut;  // In residual networks, not at the last level.
  };
  CausalConv3d conv_in_;
  MiddleBlock middle_;
  std::vector<Level> levels_;
  OutputHead head_;
};

}  // namespace mw::vae
