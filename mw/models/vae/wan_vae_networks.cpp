// SPDX-License-Identifier: Apache-2.0
#include "mw/models/vae/wan_vae_networks.h"

#include <ATen/ops/silu.h>

namespace mw::vae {
namespace {

constexpr int64_t kPixelChannels = 3;

}  // namespace

MiddleBlock::MiddleBlock(const nn::WeightScope& weights, int64_t channels)
    : first_(weights / 0, channels, channels),
      attention_(weights / 1, channels),
      last_(weights / 2, channels, channels) {}

at::Tensor MiddleBlock::forward(const at::Tensor& x, StreamCache& cache) const {
  return last_.forward(attention_.forward(first_.forward(x, cache)), cache);
}

OutputHead::OutputHead(const nn::WeightScope& weights, int64_t in, int64_t out)
    : norm_(weights / 0, in), conv_(weights / 2, in, out) {}

at::Tensor OutputHead::forward(const at::Tensor& x, StreamCache& cache) const {
  return conv_.forward(at::silu(norm_.forward(x)), cache);
}

VideoEncoder::VideoEncoder(const WanVAEConfig& config, const nn::WeightScope& weights)
    : conv_in_(weights / "conv1", kPixelChannels, config.base_dim),
      middle_(weights / "middle", config.base_dim * config.dim_mult.back()),
      head_(weights / "head", config.base_dim * config.dim_mult.back(), 2 * config.z_dim) {
  const nn::WeightScope layers = weights / "downsamples";
  int64_t index = 0;  // Checkpoints number blocks and resamplings in one row.
  int64_t width = config.base_dim;
  for (size_t i = 0; i < config.dim_mult.size(); ++i) {
    Level& level = levels_.emplace_back();
    const int64_t next = config.base_dim * config.dim_mult[i];
    for (int64_t k = 0; k < config.num_res_blocks; ++k) {
      level.blocks.emplace_back(layers / index++, width, next);
      width = next;
    }
    if (i < config.temporal_downsample.size()) {
      level.downsample.emplace(layers / index++, width, config.temporal_downsample[i]);
    }
  }
}

at::Tensor VideoEncoder::forward(const at::Tensor& video, StreamCache& cache) const {
  at::Tensor x = conv_in_.forward(video, cache);
  for (const Level& level : levels_) {
    for (const CausalResidualBlock& block : level.blocks) x = block.forward(x, cache);
    if (level.downsample) x = level.downsample->forward(x, cache);
  }
  return head_.forward(middle_.forward(x, cache), cache);
}

VideoDecoder::VideoDecoder(const WanVAEConfig& config, const nn::WeightScope& weights)
    : conv_in_(weights / "conv1", config.z_dim, config.base_dim * config.dim_mult.back()),
      middle_(weights / "middle", config.base_dim * config.dim_mult.back()),
      head_(weights / "head", config.base_dim * config.dim_mult.front(), kPixelChannels) {
  const nn::WeightScope layers = weights / "upsamples";
  const size_t num_levels = config.dim_mult.size();
  int64_t index = 0;
  int64_t width = config.base_dim * config.dim_mult.back();
  for (size_t i = 0; i < num_levels; ++i) {
    Level& level = levels_.emplace_back();
    const int64_t next = config.base_dim * config.dim_mult[num_levels - 1 - i];
    for (int64_t k = 0; k <= config.num_res_blocks; ++k) {
      level.blocks.emplace_back(layers / index++, width, next);
      width = next;
    }
    if (i + 1 < num_levels) {
      level.upsample.emplace(layers / index++, width,
                             config.temporal_downsample[num_levels - 2 - i]);
      width /= 2;
    }
  }
}

at::Tensor VideoDecoder::forward(const at::Tensor& latents, StreamCache& cache) const {
  at::Tensor x = middle_.forward(conv_in_.forward(latents, cache), cache);
  for (const Level& level : levels_) {
    for (const CausalResidualBlock& block : level.blocks) x = block.forward(x, cache);
    if (level.upsample) x = level.upsample->forward(x, cache);
  }
  return head_.forward(x, cache);
}

}  // namespace mw::vae
