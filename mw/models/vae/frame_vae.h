// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <vector>

#include "mw/nn/conv.h"
#include "mw/nn/parameter_store.h"

namespace mw::vae {

/// Sizes of a FrameVAE, kept in `config.json` beside its weights.
struct FrameVAEConfig {
  int64_t latent_channels = 16;
  std::vector<int64_t> widths = {32, 64, 96};       ///< Channels at 1/2, 1/4 and 1/8 of the size.
  std::vector<int64_t> encoder_blocks = {1, 2, 2};  ///< Residual blocks at each of them.
  std::vector<int64_t> decoder_blocks = {2, 2, 3};
  bool has_depth_head = true;
  std::vector<double> latents_mean;  ///< Per channel, subtracted from raw latents; empty = 0.
  std::vector<double> latents_std;   ///< Per channel, divides them then; empty = 1.

  static constexpr int64_t kStride = 8;       ///< Pixels per latent, in both directions.
  static constexpr int64_t kDepthStride = 4;  ///< Pixels per cell of the depth map.

  /// Throws Error kIo, kFormat or kConfig, naming the file and the field.
  static FrameVAEConfig read(const std::filesystem::path& config_json);
  void write(const std::filesystem::path& config_json) const;
};

/// `x + conv(relu(conv(relu(x))))`, both convolutions 3x3 and of equal width.
class ResidualBlock {
 public:
  ResidualBlock(const nn::WeightScope& weights, int64_t width);
  at::Tensor forward(const at::Tensor& x) const;

 private:
  nn::Conv2d conv1_, conv2_;
};

/// The light autoencoder of embedded worlds: every frame by itself, one latent frame per frame.
///
/// Space is traded for channels by pixel shuffles with 1x1 convolutions around them, which keeps
/// bfloat16 gradients on oneDNN's fast paths, and everything between is 3x3 residual blocks without
/// norms. A depth head reads the scene's geometry from the latents for the camera prior.
/// Deterministic: no posterior. Const and shareable between threads.
class FrameVAE {
 public:
  /// Binds `encoder.*`, `decoder.*` and, when configured, `depth.*` under `weights`.
  FrameVAE(const FrameVAEConfig& config, const nn::WeightScope& weights);

  /// Reads `config.json` and `diffusion_pytorch_model.safetensors` of a `vae/` folder.
  static FrameVAE load(const std::filesystem::path& folder, at::ScalarType dtype = at::kFloat);

  /// pixels: [B, 3, H, W] in [-1, 1], H and W divisible by 8; the result is [B, 16, H/8, W/8] of
  /// zero mean and unit deviation per channel over the training set.
  at::Tensor encode(const at::Tensor& pixels) const;

  /// latents: [B, 16, h, w], normalised; the result is [B, 3, 8h, 8w], not clamped.
  at::Tensor decode(const at::Tensor& latents) const;

  /// Square root of the inverse planar depth in 1/nodes, in [0, 1], 0 for the sky.
  /// latents: [B, 16, h, w], normalised; the result is [B, 1, 2h, 2w].
  at::Tensor depth(const at::Tensor& latents) const;

  const FrameVAEConfig& config() const { return config_; }
  /// Of the weights; `encode` and `decode` take inputs of it.
  at::ScalarType dtype() const { return encoder_in_.dtype(); }

 private:
  /// One resolution: residual blocks, then the 1x1 convolution that changes size.
  struct Level {
    std::vector<ResidualBlock> blocks;
    nn::Conv2d scale;
  };

  FrameVAEConfig config_;
  nn::Conv2d encoder_in_;
  std::vector<Level> encoder_, decoder_;
  nn::Conv2d decoder_in_;
  at::Tensor mean_, deviation_;          // Of raw latents, [1, C, 1, 1].
  std::vector<nn::Conv2d> depth_convs_;  // In and out, when there is a depth head.
  std::vector<ResidualBlock> depth_blocks_;
};

}  // namespace mw::vae
