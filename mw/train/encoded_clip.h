// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "mw/data/clip.h"
#include "mw/models/prior/camera_prior.h"
#include "mw/models/vae/frame_vae.h"

namespace mw::train {

/// A clip as the denoiser sees it: `encoded/ID.safetensors` of a data set.
struct EncodedClip {
  at::Tensor latents;   ///< [F, 16, h, w] float16, normalised.
  at::Tensor hints;     ///< [F, 16, h, w] float16: the camera prior's; 0 in frame 0.
  at::Tensor mask;      ///< [F, 4, h, w] float16: seen shares; 0 in frame 0.
  at::Tensor parallax;  ///< [F, 1, h, w] float16, pixels.
  at::Tensor classes;   ///< [F] int64 of prior::MotionClass.
  at::Tensor keyboard;  ///< [F, 7] float32.
  at::Tensor mouse;     ///< [F, 2] float32: pitch, yaw in degrees per frame.
  at::Tensor poses;     ///< [F, 5] float64, as ops::reproject takes them.
  std::string caption;

  int64_t num_frames() const { return latents.size(0); }

  /// Throws Error kIo, kFormat or kWeights, naming the file and the tensor.
  static EncodedClip read(const std::filesystem::path& file);
  void write(const std::filesystem::path& file) const;
};

/// [F, 5] float64 poses of recorded rows.
at::Tensor recorded_poses(const std::vector<data::FrameRow>& rows);

/// Encodes a clip frame by frame, and the hint of every frame from the one before it: decoded,
/// moved by the recorded change of pose and encoded again, so that training sees the same blur as
/// play.
EncodedClip encode_clip(const data::Clip& clip, const vae::FrameVAE& vae,
                        const prior::CameraPrior& prior);

}  // namespace mw::train
