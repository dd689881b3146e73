// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "mw/models/wan/config.h"
#include "mw/nn/linear.h"

namespace mw::wan {

/// Raw rows that latent frame `latent_frame` sees, oldest first, `window_size * temporal_ratio` of
/// them: frame 0 its own row repeated; frame i rows max(1, r(i - w) + 1) to r i, padded in front by
/// repeating the first. Source: Micro-World, `ActionModule`.
std::vector<int64_t> action_group(int64_t latent_frame, int64_t window_size,
                                  int64_t temporal_ratio);

/// Turns keyboard and mouse rows into one feature per latent frame: `action_preprocess` of
/// Micro-World (github.com/AMD-AGI/Micro-World).
class ActionModule {
 public:
  /// Binds `mouse_mlp`, `keyboard_embedding`, `keyboard_mlp` and `action_mlp`, each `{0,2}`.
  ActionModule(const WanConfig& config, const nn::WeightScope& weights);

  /// keyboard: [B, N, 7] of 0 and 1; mouse: [B, N, 2] degrees per frame (pitch, yaw); the result is
  /// [B, num_latent_frames, action_dim].
  /// Throws Error kInvalidArgument unless N covers the latent frames: N > r (num_latent_frames -
  /// 1).
  at::Tensor forward(const at::Tensor& keyboard, const at::Tensor& mouse,
                     int64_t num_latent_frames) const;

 private:
  WanConfig config_;
  nn::Linear mouse_in_, mouse_out_;
  nn::Linear embedding_in_, embedding_out_;
  nn::Linear keyboard_in_, keyboard_out_;
  nn::Linear action_in_, action_out_;
};

}  // namespace mw::wan
