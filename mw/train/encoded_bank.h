// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "mw/train/encoded_clip.h"

namespace mw::train {

/// Runs of T frames from clips, stacked. Latent tensors are float32 with frames after channels.
struct WindowBatch {
  at::Tensor latents;   ///< [B, 16, T, h, w]
  at::Tensor hints;     ///< [B, 16, T, h, w]
  at::Tensor mask;      ///< [B, 4, T, h, w]
  at::Tensor parallax;  ///< [B, 1, T, h, w]
  at::Tensor classes;   ///< [B, T] int64
  at::Tensor keyboard;  ///< [B, kActionLead + T, 7]: rows before the window too.
  at::Tensor mouse;     ///< [B, kActionLead + T, 2]
  at::Tensor poses;     ///< [B, T, 5] float64
  at::Tensor clips;     ///< [B] int64, index into `EncodedBank::captions`.
  at::Tensor tokens;    ///< [B, S] int64 of the clips' captions; undefined without `set_tokens`.
};

/// Encoded clips of a split, held in memory (about 20 kB per frame).
class EncodedBank {
 public:
  /// Action rows that a window brings from before its first frame; zeros before the clip.
  static constexpr int64_t kActionLead = 3;

  explicit EncodedBank(const std::vector<EncodedClip>& clips);

  /// Reads the clips of `split` that have been encoded. Throws Error kInvalidArgument when none
  /// has, saying how to encode them.
  static EncodedBank read(const std::filesystem::path& dataset, const std::string& split);

  /// Windows of `frames` whose first frames are at `starts`, [B] of `window_starts(frames)`.
  WindowBatch windows(const at::Tensor& starts, int64_t frames) const;

  /// First frames of all windows that lie within one clip: [N] int64, frames counted over all
  /// clips.
  at::Tensor window_starts(int64_t frames) const;

  int64_t num_frames() const { return latents_.size(0); }
  int64_t num_clips() const { return static_cast<int64_t>(captions_.size()); }
  const std::vector<std::string>& captions() const { return captions_; }
  /// Token ids of the captions, [clips, S] int64, for windows to bring along.
  void set_tokens(at::Tensor tokens) { tokens_ = std::move(tokens); }

  const at::Tensor& classes() const { return classes_; }  ///< [N] int64
  const at::Tensor& latents() const { return latents_; }  ///< [N, 16, h, w] float16
  const at::Tensor& hints() const { return hints_; }
  const at::Tensor& mask() const { return mask_; }
  const at::Tensor& parallax() const { return parallax_; }

 private:
  at::Tensor latents_, hints_, mask_, parallax_, classes_, poses_;  // [N, ...]
  at::Tensor keyboard_, mouse_;  // [N + clips * kActionLead, ...]: every clip after zero rows.
  at::Tensor clip_of_;           // [N] int64
  at::Tensor tokens_;            // [clips, S] int64 or undefined.
  std::vector<int64_t> lengths_;
  std::vector<std::string> captions_;
};

}  // namespace mw::train
