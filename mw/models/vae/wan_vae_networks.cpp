// SPDX-License-Identifier: Apache-2.0
#include "mw/models/vae/wan_vae_networks.h"

#include <ATen/ops/silu.h>

#include <string>

namespace mw::vae {
namespace {

/// Where the layers of level `level` are: a residual network numbers them within each level, the
/// other one through all of them, in a row that `index` counts.
nn::WeightScope level_scope(const nn::WeightScope& layers, const std::string& name, size_t level,
                            bool is_residual, int64_t& index) {
  if (!is_residual) return layers;
  index = 0;
  return layers / static_cast<int64_t>(level) / name;
}

int64_t factor(bool is_doubled) { return is_doubled ? 2 : 1; }

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
    : conv_in_(weights / "conv1", config.pixel_channels(), config.base_dim),
      middle_(weights / "middle", config.base_dim * config.dim_mult.back()),
      head_(weights / "head", config.base_dim * config.dim_mult.back(), 2 * config.z_dim) {
  int64_t index = 0;
  int64_t width = config.base_dim;
  for (size_t i = 0; i < config.dim_mult.size(); ++i) {
    const nn::WeightScope layers =
        level_scope(weights / "downsamples", "downsamples", i, config.is_residual, index);
    Level& level = levels_.emplace_back();
    const bool is_last = i == config.temporal_downsample.size();
    const bool is_temporal = !is_last && config.temporal_downsample[i];
    const int64_t next = config.base_dim * config.dim_mult[i];
    for (int64_t k = 0; k < config.num_res_blocks; ++k) {
      level.blocks.emplace_back(layers / index++, width, next);
      width = next;
    }
    if (!is_last) level.downsample.emplace(layers / index++, width, is_temporal);
    if (config.is_residual) {
      level.shortcut = {
          .out_channels = next, .frames = factor(is_temporal), .pixels = factor(!is_last)};
    }
  }
}

at::Tensor VideoEncoder::forward(const at::Tensor& video, StreamCache& cache) const {
  at::Tensor x = conv_in_.forward(video, cache);
  for (const Level& level : levels_) {
    const at::Tensor before = level.shortcut ? x : at::Tensor();
    for (const CausalResidualBlock& block : level.blocks) x = block.forward(x, cache);
    if (level.downsample) x = level.downsample->forward(x, cache);
    if (level.shortcut) x = x.add(average_down(before, *level.shortcut));
  }
  return head_.forward(middle_.forward(x, cache), cache);
}

VideoDecoder::VideoDecoder(const WanVAEConfig& config, const nn::WeightScope& weights)
    : conv_in_(weights / "conv1", config.z_dim, config.decoder_width() * config.dim_mult.back()),
      middle_(weights / "middle", config.decoder_width() * config.dim_mult.back()),
      head_(weights / "head", config.decoder_width() * config.dim_mult.front(),
            config.pixel_channels()) {
  const size_t num_levels = config.dim_mult.size();
  int64_t index = 0;
  int64_t width = config.decoder_width() * config.dim_mult.back();
  for (size_t i = 0; i < num_levels; ++i) {
    const nn::WeightScope layers =
        level_scope(weights / "upsamples", "upsamples", i, config.is_residual, index);
    Level& level = levels_.emplace_back();
    const int64_t next = config.decoder_width() * config.dim_mult[num_levels - 1 - i];
    for (int64_t k = 0; k <= config.num_res_blocks; ++k) {
      level.blocks.emplace_back(layers / index++, width, next);
      width = next;
    }
    if (i + 1 == num_levels) continue;
    const bool is_temporal = config.temporal_downsample[num_levels - 2 - i];
    const int64_t out = config.is_residual ? width : width / 2;
    level.upsample.emplace(layers / index++, width, out, is_temporal);
    width = out;
    if (config.is_residual) {
      level.shortcut = {.out_channels = next, .frames = factor(is_temporal), .pixels = 2};
    }
  }
}

at::Tensor VideoDecoder::forward(const at::Tensor& latents, StreamCache& cache) const {
  at::Tensor x = middle_.forward(conv_in_.forward(latents, cache), cache);
  for (const Level& level : levels_) {
    const at::Tensor before = level.shortcut ? x : at::Tensor();
    for (const CausalResidualBlock& block : level.blocks) x = block.forward(x, cache);
    if (level.upsample) x = level.upsample->forward(x, cache);
    if (level.shortcut) x = x.add(duplicate_up(before, *level.shortcut, cache.is_first_chunk()));
  }
  return head_.forward(x, cache);
}

}  // namespace mw::vae
