// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "mw/models/wan/action_module.h"
#include "mw/models/wan/block.h"
#include "mw/models/wan/config.h"
#include "mw/models/wan/control_branch.h"
#include "mw/models/wan/kv_cache.h"

namespace mw::wan {

/// Text and image context of a video, turned into keys and values once for all steps and frames.
struct Context {
  std::vector<CrossKeys> keys;          ///< One per block.
  std::vector<CrossKeys> control_keys;  ///< One per block of the control branch, if there is one.
  double control_scale = 1;  ///< How much of the branch's hints is added; the actions' strength.
};

/// What the blocks together added to the tokens at one step, to be added again at a near one
/// instead of running them: the means of TeaCache (arXiv:2411.19108), which says when.
struct BlockReuse {
  bool is_reused = false;  ///< True: add `residual`, run no block. False: run them and set it.
  at::Tensor residual;     ///< [B, L, C] float32.
};

/// Sees the stream of tokens [B, L, C] after the patch embedding (index -1) and after every block:
/// how tests find the first layer that differs.
using LayerProbe = std::function<void(int64_t block, const at::Tensor& tokens)>;

/// The Wan diffusion transformer, bidirectional or causal over frames, with or without actions.
///
/// Predicts the flow velocity `noise - x0`. Const and shareable between threads when each brings
/// its own cache. Source: arXiv:2503.20314; `WanModel` in github.com/Wan-Video/Wan2.1;
/// `WanActionAdaLNModel` and `WanActionControlNetModel` in github.com/AMD-AGI/Micro-World.
class Transformer {
 public:
  /// Binds the original's tensor names under `weights` (see key_map.h for diffusers').
  Transformer(const WanConfig& config, const nn::WeightScope& weights);

  /// text: [B, S, text_dim] with S at most text_len; missing rows are zeros, and attended to, as in
  /// the original. image: [B, 257, image_dim] or undefined; of models with image positions also
  /// [2 B, 257, image_dim], first and last frame of each in turn.
  Context context(const at::Tensor& text, const at::Tensor& image = {}) const;

  /// One feature per latent frame [B, F, action_dim]; see ActionModule.
  at::Tensor action_features(const at::Tensor& keyboard, const at::Tensor& mouse,
                             int64_t num_latent_frames) const;

  /// latents: [B, in_dim, F, h, w], h and w even; timesteps: [B], or [B, F] one per frame, on the
  /// 0 to 1000 scale; actions: of `action_features`, or undefined. With a cache (causal models) the
  /// frames continue its past; `commit` then makes them past themselves. `reuse`: see BlockReuse;
  /// not together with a cache.
  /// The result is [B, out_dim, F, h, w] float32.
  at::Tensor forward(const at::Tensor& latents, const at::Tensor& timesteps, const Context& context,
                     const at::Tensor& actions = {}, KVCache* cache = nullptr,
                     const LayerProbe& probe = nullptr, BlockReuse* reuse = nullptr) const;

  /// What a forward pass at these timesteps modulates its blocks with, without the blocks' own
  /// tables: [B, F or 1, 6, C] float32, called e0 in the original. Two steps of which it differs
  /// little have like residuals.
  at::Tensor time_features(const at::Tensor& timesteps) const;

  /// Keeps the frames of the last forward pass in the cache and evicts what the next frame can't
  /// see.
  void commit(KVCache& cache, int64_t frame_tokens) const;

  KVCache make_cache() const { return KVCache(config_.num_layers); }
  const WanConfig& config() const { return config_; }

 private:
  /// The embedding that the head is modulated with, [B, F or 1, C] float32: e in the original.
  at::Tensor time_embedding(const at::Tensor& timesteps) const;
  at::Tensor projected(const at::Tensor& time_embedding) const;
  /// The tokens behind all blocks.
  at::Tensor run_blocks(at::Tensor x, const at::Tensor& time, const at::Tensor& actions,
                        const ops::RopeTable& rope, const Context& context, int64_t frame_tokens,
                        KVCache* cache, const LayerProbe& probe) const;

  WanConfig config_;
  at::Tensor patch_weight_, patch_bias_;  // [C, in, 1, 2, 2], [C]
  nn::Linear text_in_, text_out_;
  nn::Linear time_in_, time_out_, time_projection_;
  std::vector<DiTBlock> blocks_;
  nn::Linear head_;
  at::Tensor head_modulation_;  // [1, 2, C]: shift, scale.
  struct ImageEmbedding {
    nn::LayerNorm norm_in;
    nn::Linear in, out;
    nn::LayerNorm norm_out;
    at::Tensor positions;  // [1, image_positions, image_dim], or undefined.
  };
  std::optional<ImageEmbedding> image_embedding_;
  std::optional<ActionModule> action_module_;
  std::optional<ControlBranch> control_;
};

}  // namespace mw::wan
