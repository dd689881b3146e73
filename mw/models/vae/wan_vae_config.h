// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mw::vae {

/// Sizes of a Wan video autoencoder under diffusers' names for them. The defaults are those of
/// Wan2.1's released model.
struct WanVAEConfig {
  int64_t base_dim = 96;                         ///< Channels at full resolution.
  int64_t decoder_base_dim = 0;                  ///< The same in the decoder; 0 = base_dim.
  int64_t z_dim = 16;                            ///< Latent channels.
  std::vector<int64_t> dim_mult = {1, 2, 4, 4};  ///< Widths over `base_dim`; each but the last
                                                 ///< level halves the picture.
  int64_t num_res_blocks = 2;  ///< Per encoder level; a decoder level has one more.
  std::vector<bool> temporal_downsample = {false, true, true};  ///< Per halving: frames too.
  bool is_residual = false;  ///< Wan2.2: levels add their resized input to their result.
  int64_t patch_size = 1;    ///< Pixels of a side that become channels first: 2 in Wan2.2.
  std::vector<double> latents_mean = {-0.7571, -0.7089, -0.9113, 0.1075,  -0.1745, 0.9653,
                                      -0.1517, 1.5508,  0.4134,  -0.0715, 0.5517,  -0.3632,
                                      -0.1922, -0.9497, 0.2503,  -0.2921};
  std::vector<double> latents_std = {2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708,
                                     2.6052, 2.0743, 3.2687, 2.1526, 2.8652, 1.5579,
                                     1.6382, 1.1253, 2.8251, 1.9160};

  /// The autoencoder of Wan2.2-TI2V-5B: 16x16 pixels per latent of 48 channels.
  static WanVAEConfig wan22();

  int64_t decoder_width() const { return decoder_base_dim > 0 ? decoder_base_dim : base_dim; }
  /// Channels of pixels that the networks see.
  int64_t pixel_channels() const { return 3 * patch_size * patch_size; }
  /// Pixels per latent in both directions, and video frames per latent frame after the first.
  int64_t spatial_stride() const { return patch_size << temporal_downsample.size(); }
  int64_t temporal_stride() const;

  /// Reads an `AutoencoderKLWan` config; absent fields keep their defaults.
  /// Throws Error kIo, kFormat or kConfig, naming the file and the field.
  static WanVAEConfig read(const std::filesystem::path& config_json);
  void write(const std::filesystem::path& config_json) const;
  /// Throws Error kConfig, naming `source`, when the sizes can't belong to a model.
  void check(const std::string& source) const;
};

}  // namespace mw::vae
