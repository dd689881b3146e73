// SPDX-License-Identifier: Apache-2.0
#include "mw/models/clip/vision_encoder.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>

#include "mw/core/error.h"
#include "mw/ops/attention.h"

namespace mw::clip {

VisionEncoder::VisionEncoder(const VisionConfig& config, const nn::WeightScope& weights)
    : config_(config),
      class_token_(weights.tensor("cls_embedding", {1, 1, config.width}, nn::Init::normal(0.02))),
      positions_(weights.tensor("pos_embedding", {1, config.num_tokens(), config.width},
                                nn::Init::normal(0.02))),
      patch_weight_(weights.tensor("patch_embedding.weight",
                                   {config.width, 3, config.patch_size, config.patch_size},
                                   nn::Init::fan_in(3 * config.patch_size * config.patch_size))),
      pre_norm_(weights / "pre_norm", config.width, config.eps, true) {
  for (int64_t i = 0; i + 1 < config.num_layers; ++i) {
    const nn::WeightScope scope = weights / "transformer" / i;
    layers_.push_back({.norm1 = nn::LayerNorm(scope / "norm1", config.width, config.eps, true),
                       .qkv = nn::Linear(scope / "attn" / "to_qkv", config.width, 3 * config.width),
                       .proj = nn::Linear(scope / "attn" / "proj", config.width, config.width),
                       .norm2 = nn::LayerNorm(scope / "norm2", config.width, config.eps, true),
                       .mlp_in = nn::Linear(scope / "mlp" / 0, config.width, config.mlp_dim),
                       .mlp_out = nn::Linear(scope / "mlp" / 2, config.mlp_dim, config.width)});
  }
}

at::Tensor VisionEncoder::forward(const at::Tensor& pixels) const {
  MW_CHECK(pixels.dim() == 4 && pixels.size(1) == 3 && pixels.size(2) == config_.image_size &&
               pixels.size(3) == config_.image_size,
           "image encoder: pixels must be [B, 3, ", config_.image_size, ", ", config_.image_size,
           "], got ", pixels.sizes());
  const at::ScalarType dtype = patch_weight_.scalar_type();
  const int64_t patch = config_.patch_size, side = config_.image_size / patch;
  // [B, 3, H, W] -> [B, rows * columns, 3 * P * P]: a convolution whose kernel is its stride.
  const at::Tensor patches = pixels.narrow(2, 0, side * patch)
                                 .narrow(3, 0, side * patch)
                                 .to(dtype)
                                 .unflatten(3, {side, patch})
                                 .unflatten(2, {side, patch})
                                 .permute({0, 2, 4, 1, 3, 5})
                                 .flatten(3)
                                 .flatten(1, 2);
  const at::Tensor rows = at::linear(patches, patch_weight_.flatten(1)).to(at::kFloat);
  const at::Tensor first = class_token_.to(at::kFloat).expand({rows.size(0), 1, config_.width});
  // The stream stays float32; what enters a product is rounded once.
  at::Tensor x = pre_norm_.forward(at::cat({first, rows}, 1).add(positions_.to(at::kFloat)));
  for (const Layer& layer : layers_) {
    x = x.add(attend(layer, layer.norm1.forward(x).to(dtype)));
    const at::Tensor y = layer.mlp_in.forward(layer.norm2.forward(x).to(dtype));
    x = x.add(layer.mlp_out.forward(at::gelu(y)));  // The exact GELU, not the tanh form.
  }
  return x.to(dtype);
}

at::Tensor VisionEncoder::attend(const Layer& layer, const at::Tensor& x) const {
  const at::Tensor parts = layer.qkv.forward(x).unflatten(2, {3, config_.num_heads, -1});
  const at::Tensor mixed =
      ops::attention(parts.select(2, 0), parts.select(2, 1), parts.select(2, 2));
  return layer.proj.forward(mixed.flatten(2));
}

}  // namespace mw::clip
