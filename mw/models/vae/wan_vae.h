// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "mw/models/vae/stream_cache.h"
#include "mw/models/vae/tiling.h"
#include "mw/models/vae/wan_vae_config.h"
#include "mw/models/vae/wan_vae_networks.h"
#include "mw/nn/conv.h"
#include "mw/nn/parameter_store.h"

namespace mw::vae {

/// The causal video autoencoders of Wan2.1 and, with a residual config, of Wan2.2-TI2V-5B: 8x8 or
/// 16x16 pixels and, after the first frame, 4 frames per latent (at the released sizes).
///
/// B batch, F video frames, T = (F - 1) / 4 + 1 latent frames, [H, W] = stride [h, w]. Pixels are
/// in [-1, 1]. Whole videos pass through in chunks, so memory for activations does not grow with F;
/// a stream does the same over a cache of its own. Neither chunking changes the result. Const and
/// shareable between threads, each with its own caches. Source: arXiv:2503.20314, section 4.1;
/// `wan/modules/vae.py` in github.com/Wan-Video/Wan2.1, `wan/modules/vae2_2.py` in
/// github.com/Wan-Video/Wan2.2.
class WanVAE {
 public:
  /// Binds `encoder.*`, `conv1.*`, `conv2.*` and `decoder.*` under `weights`, in the original
  /// naming.
  WanVAE(const WanVAEConfig& config, const nn::WeightScope& weights);

  /// Reads a `vae/` folder with `config.json`, or one weights file, which is told by its shapes to
  /// be of Wan2.1 or Wan2.2; tensors in either naming.
  /// Throws Error kIo, kFormat, kConfig or kWeights, naming what is wrong.
  static WanVAE load(const std::filesystem::path& folder_or_file,
                     at::ScalarType dtype = at::kFloat);

  /// Mean and log variance of the posterior, raw. video: [B, 3, F, H, W]; the result is
  /// [B, 2 z_dim, T, h, w]. Frames after the last whole group are dropped, as in the reference:
  /// 7 frames encode as 5. `latents_per_chunk`: more is faster and takes more memory; 0 = all.
  at::Tensor moments(const at::Tensor& video, int64_t latents_per_chunk = 1) const;

  /// The same in tiles, where a side has more pixels than one tile. Tiles are measured in what the
  /// networks see: at a patch size of 2, 256 are 512 pixels (as in diffusers).
  /// Throws Error kInvalidArgument unless tiles and strides are whole latents.
  at::Tensor moments_in_tiles(const at::Tensor& video, const Tiling& tiling = {}) const;

  /// The posterior's mode, normalised for the transformer: [B, z_dim, T, h, w].
  at::Tensor encode(const at::Tensor& video, int64_t latents_per_chunk = 1) const;

  /// latents: [B, z_dim, T, h, w], normalised; the result is [B, 3, F, H, W], clamped to [-1, 1].
  at::Tensor decode(const at::Tensor& latents, int64_t latents_per_chunk = 1) const;

  /// The same in tiles, where a side has more pixels than one tile.
  at::Tensor decode_in_tiles(const at::Tensor& latents, const Tiling& tiling = {}) const;

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
  at::Tensor moments_chunk(const at::Tensor& patches, StreamCache& cache) const;
  at::Tensor moments_of(const at::Tensor& patches, int64_t latents_per_chunk) const;
  at::Tensor frames_chunk(const at::Tensor& raw, StreamCache& cache) const;
  at::Tensor frames_of(const at::Tensor& raw, int64_t latents_per_chunk) const;
  void check_video(const at::Tensor& video) const;
  void check_latents(const at::Tensor& latents) const;
  void check_tiling(const Tiling& tiling) const;

  WanVAEConfig config_;
  VideoEncoder encoder_;
  nn::Conv3d conv1_, conv2_;  // 1x1x1, on either side of the latents.
  VideoDecoder decoder_;
  at::Tensor mean_, inverse_std_;  // [1, z_dim, 1, 1, 1] float32.
  at::ScalarType dtype_;
};

/// Weights of a `vae/` folder or file under the original naming, whichever they are stored in.
nn::ParameterStore load_wan_vae_weights(const std::filesystem::path& folder_or_file,
                                        const WanVAEConfig& config, at::ScalarType dtype);

/// The config of weights that come without one: Wan2.1's or Wan2.2's with the widths of the
/// tensors, which may have either naming. Throws Error kWeights or kConfig, naming `source`.
WanVAEConfig wan_vae_config_of(const nn::TensorMap& tensors, const std::string& source);

}  // namespace mw::vae
