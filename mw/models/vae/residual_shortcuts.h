// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace mw::vae {

/// How one level of a residual autoencoder changes a video's size, without weights of its own.
struct LevelResize {
  int64_t out_channels = 0;
  int64_t frames = 1;  ///< Frames that become one, or that one becomes: 1 or 2.
  int64_t pixels = 1;  ///< The same of rows and of columns.
};

/// Each block of frames x pixels x pixels values becomes channels, of which neighbours are
/// averaged. x: [B, C, F, H, W]; frames are filled up in front with zeros, so the first frame of a
/// video stands alone. Source: `AvgDown3D` in github.com/Wan-Video/Wan2.2.
at::Tensor average_down(const at::Tensor& x, const LevelResize& resize);

/// Channels are repeated and laid out as blocks of frames x pixels x pixels values. In the first
/// chunk of a video the first frame gives one frame only. Source: `DupUp3D`, ibid.
at::Tensor duplicate_up(const at::Tensor& x, const LevelResize& resize, bool is_first_chunk);

/// [B, 3, F, H, W] -> [B, 3 p p, F, H/p, W/p] and back; of a pixel's place in its patch the column
/// is the slower axis. p = 1 changes nothing.
at::Tensor patchify(const at::Tensor& video, int64_t p);
at::Tensor unpatchify(const at::Tensor& patches, int64_t p);

}  // namespace mw::vae
