// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

#include "mw/models/prior/camera_prior.h"
#include "mw/models/vae/frame_vae.h"
#include "mw/nn/tensor_file.h"
#include "mw/train/encoded_bank.h"

namespace mw::train {

/// Worlds that the model in training plays along recorded actions, so that it learns from its own
/// past: each stream is a window of frames that the model made itself, with the hints that play
/// would have made from them, beside the frames that were recorded.
///
/// Source of the idea: scheduled sampling; Self Forcing, arXiv:2506.08009. Owned by one thread.
class RolloutPool {
 public:
  /// Velocity of all frames: (batch, noisy [S, 16, T, h, w], sigma [S, T]) -> [S, 16, T, h, w].
  using Velocity =
      std::function<at::Tensor(const WindowBatch&, const at::Tensor&, const at::Tensor&)>;

  /// longest: frames after which a stream starts again from a recording, at most.
  RolloutPool(const EncodedBank& bank, int64_t streams, int64_t frames, int64_t longest,
              at::Generator& random);

  /// The recorded windows of all streams, with the hints, masks and parallax of the played frames.
  WindowBatch batch() const;
  /// The played frames [S, 16, T, h, w].
  const at::Tensor& played() const { return played_; }

  /// Plays one frame further in every stream, by one step from pure noise; context at
  /// `context_sigma`. Streams that have come to their end start again.
  void advance(const Velocity& velocity, const vae::FrameVAE& vae, const prior::CameraPrior& prior,
               double context_sigma, at::Generator& random);

  nn::TensorMap state() const;
  /// Throws Error kWeights when the state is of a pool of other sizes.
  void load_state(const nn::TensorMap& state);

 private:
  void restart(const at::Tensor& which, at::Generator& random);

  const EncodedBank& bank_;
  int64_t frames_, longest_;
  at::Tensor allowed_starts_;  // [N]
  at::Tensor starts_, left_;   // [S] int64: first frame of the window; frames to go.
  at::Tensor played_, hints_, mask_, parallax_;
  at::Tensor classes_;                  // [S, T], of the hints.
  at::Tensor key_poses_, key_latents_;  // [S, 5] and [S, 16, h, w]: the key frames.
};

}  // namespace mw::train
