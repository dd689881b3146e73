// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mw::wan {

/// Whose names `config.json` and the tensors of a model folder have.
enum class Naming {
  kOriginal,   ///< dim, num_heads, in_dim, ...: Wan, Micro-World, and what this program writes.
  kDiffusers,  ///< num_attention_heads, attention_head_dim, in_channels, ...
};

/// Sizes of a Wan diffusion transformer. The defaults are those of Wan2.1-T2V-1.3B without actions.
///
/// `config.json` is read and written in both namings; our additions have one name in both.
struct WanConfig {
  int64_t dim = 1536;  ///< Width of the residual stream.
  int64_t ffn_dim = 8960;
  int64_t num_heads = 12;
  int64_t num_layers = 30;
  int64_t in_dim = 16;  ///< Latent channels in: 16, or 36 = noise 16 | mask 4 | image 16.
  int64_t out_dim = 16;
  int64_t freq_dim = 256;  ///< Width of the timestep's sinusoids.
  int64_t text_dim = 4096;
  int64_t text_len = 512;  ///< Rows of text context after zero padding.
  int64_t image_dim = 0;   ///< Width of image tokens, 1280 in I2V models; 0 = no image context.
  /// Image rows with a learned position each: 514 in models that take a first and a last frame;
  /// 0 = none, any number of rows.
  int64_t image_positions = 0;
  double eps = 1e-6;
  Naming naming = Naming::kOriginal;

  // Actions, absent when action_dim is 0: by adaLN (Micro-World I2W), or by a control branch
  // (Micro-World T2W) when there are action layers.
  int64_t action_dim = 0;
  /// Ascending numbers of the layers that get a hint of the control branch, the first of them 0.
  std::vector<int64_t> action_layers;
  int64_t mouse_dim = 2;
  int64_t keyboard_dim = 7;
  int64_t action_window_size = 3;     ///< Latent frames whose rows one latent frame sees.
  int64_t action_temporal_ratio = 4;  ///< Video frames per latent frame.
  /// False: the keyboard's positional encoding counts raw frames from the clip's start, as in
  /// Micro-World. True: it counts within the group, so that a stream has no beginning.
  bool action_relative_positions = false;

  // Attention over frames.
  bool is_causal = false;     ///< Each frame sees itself and the past, not the future.
  int64_t window_frames = 0;  ///< Frames seen, with the own ones; 0 = all.
  int64_t sink_frames = 0;    ///< First frames that always stay visible.
  int64_t chunk_frames = 1;   ///< Frames generated together; they see each other both ways.

  /// Values for training from scratch: head and action modulation start at zero. Not stored.
  bool zero_init = false;

  int64_t head_dim() const { return dim / num_heads; }
  bool has_actions() const { return action_dim > 0; }
  bool has_control_branch() const { return has_actions() && !action_layers.empty(); }

  /// Throws Error kIo, kFormat or kConfig, naming the file and the field.
  static WanConfig read(const std::filesystem::path& config_json);
  /// Writes the fields under the names of `naming`.
  void write(const std::filesystem::path& config_json) const;
  /// Throws Error kConfig, naming `source`, when sizes can't belong to a model.
  void check(const std::string& source) const;
};

}  // namespace mw::wan
