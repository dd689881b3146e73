// SPDX-License-Identifier: Apache-2.0
#include "mw/models/vae/frame_vae.h"

#include <ATen/ops/pixel_shuffle.h>
#include <ATen/ops/pixel_unshuffle.h>
#include <ATen/ops/tensor.h>

#include "mw/core/error.h"

namespace mw::vae {
namespace {

constexpr int64_t kDepthWidth = 64;
// Channels last: what convolutions are fastest in, by a quarter in bfloat16.
constexpr at::MemoryFormat kLayout = at::MemoryFormat::ChannelsLast;

nn::Conv2dConfig pointwise(int64_t in, int64_t out) {
  return {.in = in, .out = out, .kernel = 1, .padding = 0};
}

/// One value per channel as [1, C, 1, 1] float32; `otherwise` for each when there are none.
at::Tensor channel_vector(const std::vector<double>& values, double otherwise, int64_t channels) {
  const std::vector<double> filled =
      values.empty() ? std::vector<double>(channels, otherwise) : values;
  return at::tensor(filled, at::TensorOptions(at::kFloat)).view({1, -1, 1, 1});
}

}  // namespace

ResidualBlock::ResidualBlock(const nn::WeightScope& weights, int64_t width)
    : conv1_(weights / "conv1", {.in = width, .out = width}),
      // Zero at first: a deep stack without norms starts as the identity.
      conv2_(weights / "conv2", {.in = width, .out = width}, nn::Init::zeros()) {}

at::Tensor ResidualBlock::forward(const at::Tensor& x) const {
  return x.add(conv2_.forward(conv1_.forward(x.relu()).relu()));
}

FrameVAE::FrameVAE(const FrameVAEConfig& config, const nn::WeightScope& weights)
    : config_(config),
      encoder_in_(weights / "encoder" / "conv_in", {.in = 12, .out = config.widths.at(0)}),
      decoder_in_(weights / "decoder" / "conv_in",
                  pointwise(config.latent_channels, config.widths.back())),
      mean_(channel_vector(config.latents_mean, 0, config.latent_channels)),
      deviation_(channel_vector(config.latents_std, 1, config.latent_channels)) {
  const auto& widths = config.widths;
  const size_t levels = widths.size();
  MW_CHECK(levels == 3 && config.encoder_blocks.size() == levels &&
               config.decoder_blocks.size() == levels,
           "FrameVAE: widths and blocks must have 3 entries each (1/2, 1/4, 1/8 of the size)");
  const auto blocks = [&](const nn::WeightScope& scope, int64_t count, int64_t width) {
    std::vector<ResidualBlock> made;
    for (int64_t i = 0; i < count; ++i) made.emplace_back(scope / "blocks" / i, width);
    return made;
  };
  for (size_t i = 0; i < levels; ++i) {
    const nn::WeightScope scope = weights / "encoder" / "levels" / static_cast<int64_t>(i);
    const bool is_last = i + 1 == levels;
    encoder_.push_back(
        {blocks(scope, config.encoder_blocks[i], widths[i]),
         nn::Conv2d(scope / "scale", is_last ? pointwise(widths[i], config.latent_channels)
                                             : pointwise(4 * widths[i], widths[i + 1]))});
  }
  for (size_t i = levels; i-- > 0;) {  // Coarse to fine.
    const nn::WeightScope scope = weights / "decoder" / "levels" / static_cast<int64_t>(i);
    decoder_.push_back(
        {blocks(scope, config.decoder_blocks[i], widths[i]),
         nn::Conv2d(scope / "scale", i == 0 ? nn::Conv2dConfig{.in = widths[0], .out = 12}
                                            : pointwise(widths[i], 4 * widths[i - 1]))});
  }
  if (config.has_depth_head) {
    const nn::WeightScope scope = weights / "depth";
    depth_convs_.emplace_back(scope / "conv_in", pointwise(config.latent_channels, kDepthWidth));
    depth_blocks_.emplace_back(scope / "blocks" / 0, kDepthWidth);
    depth_blocks_.emplace_back(scope / "blocks" / 1, kDepthWidth);
    depth_convs_.emplace_back(scope / "conv_out", pointwise(kDepthWidth, 4));
  }
}

FrameVAE FrameVAE::load(const std::filesystem::path& folder, at::ScalarType dtype) {
  const FrameVAEConfig config = FrameVAEConfig::read(folder / "config.json");
  const std::filesystem::path file = folder / "diffusion_pytorch_model.safetensors";
  nn::ParameterStore store = nn::ParameterStore::loaded(file, dtype);
  return nn::build_strictly<FrameVAE>(config, store, file.string());
}

at::Tensor FrameVAE::encode(const at::Tensor& pixels) const {
  MW_CHECK(
      pixels.dim() == 4 && pixels.size(1) == 3 && pixels.size(2) % FrameVAEConfig::kStride == 0 &&
          pixels.size(3) % FrameVAEConfig::kStride == 0,
      "FrameVAE: pixels must be [B, 3, H, W] with H and W divisible by 8, got ", pixels.sizes());
  at::Tensor x = encoder_in_.forward(
      at::pixel_unshuffle(pixels, 2).contiguous(kLayout));  // [B, 12, H/2, W/2] -> w0
  for (size_t i = 0; i < encoder_.size(); ++i) {
    for (const ResidualBlock& block : encoder_[i].blocks) x = block.forward(x);
    if (i + 1 < encoder_.size()) x = at::pixel_unshuffle(x, 2);
    x = encoder_[i].scale.forward(x);
  }
  return x.sub(mean_.to(x.options())).div(deviation_.to(x.options()));
}

at::Tensor FrameVAE::decode(const at::Tensor& latents) const {
  const at::Tensor raw =
      latents.mul(deviation_.to(latents.options())).add(mean_.to(latents.options()));
  at::Tensor x = decoder_in_.forward(raw.contiguous(kLayout));
  for (const Level& level : decoder_) {
    for (const ResidualBlock& block : level.blocks) x = block.forward(x);
    x = at::pixel_shuffle(level.scale.forward(x), 2);
  }
  return x;
}

at::Tensor FrameVAE::depth(const at::Tensor& latents) const {
  MW_CHECK(config_.has_depth_head, "FrameVAE: this model has no depth head");
  at::Tensor x = depth_convs_[0].forward(latents);
  for (const ResidualBlock& block : depth_blocks_) x = block.forward(x);
  return at::pixel_shuffle(depth_convs_[1].forward(x), 2).sigmoid();
}

}  // namespace mw::vae
