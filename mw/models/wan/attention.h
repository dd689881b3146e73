// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

#include "mw/models/wan/config.h"
#include "mw/models/wan/kv_cache.h"
#include "mw/nn/linear.h"
#include "mw/nn/norm.h"
#include "mw/ops/rope.h"

namespace mw::wan {

/// Self-attention of a Wan DiT block.
///
/// Shapes: B batch, L tokens (frames x rows x columns), C = N * D width.
/// Source: arXiv:2503.20314; `WanSelfAttention` in github.com/Wan-Video/Wan2.1.
class SelfAttention {
 public:
  /// Binds `{q,k,v,o}.{weight,bias}` and `norm_{q,k}.weight`.
  SelfAttention(const WanConfig& config, const nn::WeightScope& weights);

  /// x: [B, L, C]; the result has its shape and dtype. `rope`: rotations of every token, the
  /// cache's first. `frame_tokens`: tokens per latent frame. `cache`: this layer's past or null.
  /// Safe from several threads at once when each brings its own cache.
  at::Tensor forward(const at::Tensor& x, const ops::RopeTable& rope, int64_t frame_tokens,
                     LayerCache* cache) const;

 private:
  WanConfig config_;
  nn::Linear q_, k_, v_, o_;
  nn::RMSNorm norm_q_, norm_k_;
};

/// Keys and values of the context for one block: [B, S, N, D]; image rows apart.
struct CrossKeys {
  at::Tensor k, v;
  at::Tensor k_image, v_image;  ///< Undefined without image context.
};

/// Attention from video tokens to text rows and, in I2V models, to image rows; both results are
/// added before the output projection. Source: `WanT2VCrossAttention`, `WanI2VCrossAttention`.
class CrossAttention {
 public:
  CrossAttention(const WanConfig& config, const nn::WeightScope& weights);

  /// text: [B, S, C] embedded rows; image: [B, 257, C] or undefined. Fixed for a whole video.
  CrossKeys keys(const at::Tensor& text, const at::Tensor& image) const;

  /// x: [B, L, C]; keys of batch 1 serve every batch element.
  at::Tensor forward(const at::Tensor& x, const CrossKeys& keys) const;

 private:
  WanConfig config_;
  nn::Linear q_, k_, v_, o_;
  nn::RMSNorm norm_q_, norm_k_;
  std::optional<nn::Linear> k_image_, v_image_;
  std::optional<nn::RMSNorm> norm_k_image_;
};

}  // namespace mw::wan
