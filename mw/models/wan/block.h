// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

#include "mw/models/wan/attention.h"
#include "mw/models/wan/config.h"

namespace mw::wan {

/// One layer of the DiT: modulated self-attention, cross-attention, modulated feed-forward, each
/// added to the stream. Source: `WanAttentionBlock`; with actions, Micro-World's adaLN variant.
class DiTBlock {
 public:
  /// Binds `modulation`, `self_attn`, `norm3`, `cross_attn`, `ffn.{0,2}` and, in action models
  /// without a control branch, `action_adaLN_modulation.1`.
  DiTBlock(const WanConfig& config, const nn::WeightScope& weights);

  CrossKeys context_keys(const at::Tensor& text, const at::Tensor& image) const {
    return cross_attention_.keys(text, image);
  }

  /// x: [B, F*S, C] float32, and so is the result; time: [B, F or 1, 6, C] float32, the projected
  /// time embedding (its frame axis is 1 when all frames share a timestep); actions: SiLU of the
  /// features, [B, F, A], or undefined.
  at::Tensor forward(const at::Tensor& x, const at::Tensor& time, const at::Tensor& actions,
                     const ops::RopeTable& rope, const CrossKeys& context, int64_t frame_tokens,
                     LayerCache* cache) const;

 private:
  double eps_;
  at::Tensor modulation_;  // [1, 6, C]: shift, scale, gate of attention, then of feed-forward.
  SelfAttention self_attention_;
  CrossAttention cross_attention_;
  nn::LayerNorm norm3_;
  nn::Linear ffn_in_, ffn_out_;
  std::optional<nn::Linear> action_modulation_;
};

}  // namespace mw::wan
