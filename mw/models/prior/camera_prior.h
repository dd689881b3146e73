// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "mw/action/action_space.h"
#include "mw/models/prior/motion_model.h"
#include "mw/models/vae/frame_vae.h"
#include "mw/ops/reproject.h"

namespace mw::prior {

/// How much of the camera's motion the prior uses.
enum class Mode { kOff, kRotation, kReprojection };

/// What the camera does between two frames.
enum class MotionClass : int64_t { kStill, kLook, kWalk };
inline constexpr int64_t kNumMotionClasses = 3;

/// Settings of a camera prior, kept in `camera_prior/config.json` of a model folder.
struct CameraPriorConfig {
  Mode mode = Mode::kReprojection;
  double focal = 66.07;      ///< Pixels; 72 degrees of vertical view over 96 rows.
  double eye_height = 1.47;  ///< Of the camera over the ground, in nodes.
  MotionConfig motion;

  /// Mean squared differences between a clean latent and its hint, measured on recorded clips.
  double still_variance = 0.011;
  double look_variance = 0.037;
  std::vector<double> parallax_edges = {0.5, 1, 2, 4};              ///< Pixels; bins of walking.
  std::vector<double> walk_variances = {0.05, 0.1, 0.2, 0.3, 0.4};  ///< One more than edges.
  double unseen_variance = 0.8;  ///< Where the hint has no source.

  /// A key frame, from which hints are made as long as it lasts, is given up after such a turn in
  /// degrees, half of it in pitch, or such a walk in nodes; 0 = every frame is a new one.
  double key_turn = 25;
  double key_distance = 2;

  /// Throws Error kIo, kFormat or kConfig, naming the file.
  static CameraPriorConfig read(const std::filesystem::path& config_json);
  void write(const std::filesystem::path& config_json) const;
};

/// A frame that hints are made from.
struct View {
  at::Tensor latents;     ///< [B, 16, h, w], normalised.
  at::Tensor frame;       ///< [B, 3, H, W], its decoded pixels in [-1, 1].
  at::Tensor pose;        ///< [B, 5], as ops::reproject takes it.
  at::Tensor depth = {};  ///< `CameraPrior::depth_of`, if it is kept; otherwise made anew.

  /// This view where `is_kept` [B] is true, otherwise `other`.
  View where(const at::Tensor& is_kept, const View& other) const;
};

/// What the prior expects of the next frame.
struct Hint {
  at::Tensor latents;   ///< [B, 16, h, w], the expected latents; 0 where nothing is known.
  at::Tensor mask;      ///< [B, 4, h, w]: seen share of the quadrants (row-major) of each cell.
  at::Tensor variance;  ///< [B, 1, h, w]: of the clean latent around `latents`.
  at::Tensor parallax;  ///< [B, 1, h, w]: pixels that the displacement moved each cell by.
  at::Tensor classes;   ///< [B] int64 of MotionClass: what lies between the sources and the frame.
};

/// Yaw, pitch and camera position as ops::reproject takes them: [B, 5] float64. Only differences of
/// positions matter, so feet and eyes serve alike.
at::Tensor poses_of(std::span<const Motion> motions);

/// Expects the next frame from the last one and the camera's move: a turn of the camera is an exact
/// map between pictures, a step nearly one where the depth is known. The model predicts the rest.
///
/// Const and shareable between threads.
class CameraPrior {
 public:
  explicit CameraPrior(const CameraPriorConfig& config);

  /// Reads `config.json` of a `camera_prior/` folder; mode off when there is no such folder.
  static CameraPrior load(const std::filesystem::path& folder);

  /// The hint for the frame at `after`.
  ///
  /// last: the frame before; key: the key frame, which may be the same. Each round of moving and
  /// encoding softens a picture, so what the key frame saw comes from there, in one move, and only
  /// the rest from the frame before. after: [B, 5]. An item that does not move gets the last
  /// frame's latents back, and is not encoded again. In mode rotation positions count as equal; in
  /// mode off, and for a first frame, use `no_hint`.
  Hint hint(const vae::FrameVAE& vae, const View& last, const View& key,
            const at::Tensor& after) const;

  /// The inverse depth of a view's pixels as ops::reproject takes it; undefined when the mode or
  /// the autoencoder knows none.
  at::Tensor depth_of(const vae::FrameVAE& vae, const View& view) const;

  /// [B] bool: whether the frame at `pose` must become the key frame instead of that at `key_pose`.
  at::Tensor is_key_stale(const at::Tensor& key_pose, const at::Tensor& pose) const;

  /// Latents 0, mask 0, variance 1: nothing is known, as of a first frame. latents_like: [B, 16, h,
  /// w].
  static Hint no_hint(const at::Tensor& latents_like);

  /// Variance of a hint [B, 1, h, w], from the classes [B], seen shares [B, 4, h, w] and parallax
  /// [B, 1, h, w].
  at::Tensor variance(const at::Tensor& classes, const at::Tensor& mask,
                      const at::Tensor& parallax) const;

  /// The 20 condition channels beside the 16 of noise: mask, then hint latents. [B, 20, h, w]
  static at::Tensor condition_channels(const Hint& hint);

  const CameraPriorConfig& config() const { return config_; }
  const MotionModel& motion_model() const { return motion_model_; }

 private:
  ops::Reprojection moved_view(const vae::FrameVAE& vae, const View& view,
                               const at::Tensor& target) const;

  CameraPriorConfig config_;
  MotionModel motion_model_;
};

/// [B] int64 of MotionClass for moves between poses [B, 5].
at::Tensor motion_classes(const at::Tensor& before, const at::Tensor& after);

}  // namespace mw::prior
