// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>

#include "mw/models/vae/stream_cache.h"
#include "mw/models/vae/wan_vae_config.h"
#include "mw/models/vae/wan_vae_networks.h"
#include "mw/nn/conv.h"
#include "mw/nn/parameter_store.h"

namespace mw::vae {

/// The causal video autoencoder of Wan2.1: 8x8 pixels and, after the first frame, 4 frames per
/// latent (at the released sizes).
///
/// B batch, F video frames, T = (F - 1) / 4 + 1 latent frames, [H, W] = 8 [h, w]. Pixels are in
/// [-1, 1]. Whole videos pass through in chunks, so memory for activations does not grow with F; a
/// stream does the same over a cache of its own. Neither chunking changes the result.
/// Const and shareable between threads, each with its own caches.
/// Source: arXiv:2503.20314, section 4.1; `wan/modules/vae.py` in github.com/Wan-Video/Wan2.1.
class WanVAE {
 public:
  /// Binds `encoder.*`, `conv1.*`, `conv2.*` and `decoder.*` under `weights`, in the original
  /// naming.
  WanVAE(const WanVAEConfig& config, const nn::WeightScope& weights);

  /// Reads `config.json` and the safetensors of a `vae/` folder; tensors in either naming.
  /// Throws Error kIo, kFormat, kConfig or kWeights, naming what is wrong.
  static WanVAE load(const std::filesystem::path& folder, at::ScalarType dtype = at::kFloat);

  /// Mean and log variance of the posterior, raw. video: [B, 3, F, H, W]; the result is
  /// [B, 2 z_dim, T, h, w]. Frames after the last whole group are dropped, as in the reference:
  /// 7 frames encode as 5. `latents_per_chunk`: more is faster and takes more memory; 0 = all.
  at::Tensor moments(const at::Tensor& video, int64_t latents_per_chunk = 1) const;

  /// The posterior's mode, normalised for the transformer: [B, z_dim, T, h, w].
  at::Tensor encode(const at::Tensor& video, int64_t latents_per_chunk = 1) const;

  /// latents: [B, z_dim, T, h, w], normalised; the result is [B, 3, F, H, W], clamped to [-1, 1].
  at::Tensor decode(const at::Tensor& latents, int64_t latents_per_chunk = 1) const;

  /// The next frames of one video: 1 + 4k of them in the first chunk (1, when later chunks should
  /// be of equal size), 4k in later ones. The result is normalised.
  at::Tensor encode_chunk(const at::Tensor& frames, StreamCache& cache) const;

  /// The next latents of one video, any number: 4 frames each, but 1 for the first of all.
  at::Tensor decode_chunk(const at::Tensor& latents, StreamCache& cache) const;

  /// Between the raw latents of the networks and those of the transformer: (raw - mean) / std.
  at::Tensor normalize(const at::Tensor& raw) const;
  at::Tensor denormalize(const at::Tensor& latents) const;

  const WanVAEConfig& config() const { return config_; }
  /// Of the weights. Inputs of another floating dtype are converted to it, results are of it.
  at::ScalarType dtype() const { return dtype_; }

 private:
  at::Tensor moments_chunk(const at::Tensor& frames, StreamCache& cache) const;

  WanVAEConfig config_;
  VideoEncoder encoder_;
  nn::Conv3d conv1_, conv2_;  // 1x1x1, on either side of the latents.
  VideoDecoder decoder_;
  at::Tensor mean_, inverse_std_;  // [1, z_dim, 1, 1, 1] float32.
  at::ScalarType dtype_;
};

/// Weights of a `vae/` folder under the original naming, whichever they are stored in.
nn::ParameterStore load_wan_vae_weights(const std::filesystem::path& folder,
                                        const WanVAEConfig& config, at::ScalarType dtype);

}  // namespace mw::vae
