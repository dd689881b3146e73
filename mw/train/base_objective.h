// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "mw/models/prior/camera_prior.h"
#include "mw/models/text/umt5_encoder.h"
#include "mw/models/wan/transformer.h"
#include "mw/train/encoded_bank.h"
#include "mw/train/objective.h"
#include "mw/train/rollout_pool.h"

namespace mw::train {

/// Size, data and noise of a base model's run.
struct BaseTrainingConfig {
  std::string data;
  std::string init_from;
  std::string tokenizer;
  double text_dropout = 0.1;

  int64_t dim = 192;
  int64_t num_layers = 6;
  int64_t num_heads = 3;
  int64_t ffn_dim = 768;
  int64_t action_dim = 192;
  int64_t text_dim = 64;
  int64_t text_len = 32;
  int64_t window_frames = 8;

  int64_t frames = 4;
  int64_t batch = 8;
  double shift = 3;
  double sigma_spread = 1.2;
  double context_probability = 0.15;
  double context_sigma = 0.15;
  double hint_noise = 0.15;
  double hint_dropout = 0.04;
  double start_probability = 0.08;
  int64_t rollout_streams = 0;
  int64_t rollout_frames = 16;
  double rollout_context_probability = 0.5;
  double correction = 1;
  int64_t validation_windows = 40;

  template <class Visitor>
  void visit(Visitor& field) {
    field("data", data, "Data-set folder, encoded by `mw data encode`.");
    field("init_from", init_from, "A model folder whose weights to start from; empty = none.");
    field("tokenizer", tokenizer,
          "spiece.model of `mw train text`; with it a text encoder learns along. Empty = no text.");
    field("text_dropout", text_dropout, "Share of windows that lose their caption.");
    field("dim", dim, "Width of the transformer.");
    field("num_layers", num_layers, "Its blocks.");
    field("num_heads", num_heads, "Its attention heads.");
    field("ffn_dim", ffn_dim, "Width of its feed-forward layers.");
    field("action_dim", action_dim, "Width of the action features.");
    field("text_dim", text_dim, "Width of the text encoder.");
    field("text_len", text_len, "Rows of text context.");
    field("window_frames", window_frames, "Frames that a frame sees, with its own.");
    field("frames", frames, "Frames per training window.");
    field("batch", batch, "Windows per update.");
    field("shift", shift, "Shift of the noise level; larger is noisier.");
    field("sigma_spread", sigma_spread, "Deviation of the logistic-normal noise level.");
    field("context_probability", context_probability,
          "Share of frames that are nearly clean, as context is in play.");
    field("context_sigma", context_sigma, "Largest noise level of those.");
    field("hint_noise", hint_noise, "Largest noise added to hints, in deviations.");
    field("hint_dropout", hint_dropout, "Share of frames without their hint.");
    field("start_probability", start_probability,
          "Share of windows whose first frame is made from nothing, as in t2w.");
    field("rollout_streams", rollout_streams,
          "Windows per update, of `batch`, whose past the model played itself.");
    field("rollout_frames", rollout_frames, "Longest such play before it starts anew.");
    field("rollout_context_probability", rollout_context_probability,
          "Share of played frames that stay as they are; the others are learnt.");
    field(
        "correction", correction,
        "Share of the learnt correction that counts; below 1 at --export, a model that was trained "
        "on too little is made as cautious as held-out play asks for.");
    field("validation_windows", validation_windows, "Held-out windows per motion class.");
  }
};

/// Trains a causal Wan DiT by flow matching with a noise level of its own for every frame
/// (diffusion forcing, arXiv:2407.01392) over the camera prior: the network predicts what the
/// prior's velocity lacks.
class BaseObjective : public Objective {
 public:
  BaseObjective(const BaseTrainingConfig& config, EncodedBank train, EncodedBank validation,
                prior::CameraPriorConfig prior, uint64_t seed);

  nn::ParameterStore& parameters() override { return store_; }
  bool is_block_matrix(const std::string& name) const override;
  at::Tensor loss(int64_t step, at::Generator& random, Scalars& figures) override;

  nn::TensorMap state() const override;
  void load_state(const nn::TensorMap& state) override;

  /// Mean squared errors of the next latent from pure noise with clean context, by motion class:
  /// `still`, `look`, `walk`; beside each the camera prior alone (`_prior`) and the last frame
  /// repeated (`_repeat`).
  Scalars validate() override;

  /// Writes a whole model folder.
  void export_model(const std::filesystem::path& folder) override;

 private:
  /// The velocity of all frames, network and prior together. noisy: [B, 16, T, h, w]; sigma: [B,
  /// T]; the batch's hints are what the network gets.
  at::Tensor velocity(const WindowBatch& batch, const at::Tensor& noisy,
                      const at::Tensor& sigma) const;

  /// A batch to learn from: what is denoised, and which frames count.
  struct Lesson {
    WindowBatch batch;
    at::Tensor context;     // [B, 16, T, h, w]: what context frames show.
    at::Tensor is_context;  // [B, T]: nearly clean.
    at::Tensor is_learnt;   // [B, T]: in the loss.
  };
  Lesson draw_recorded(int64_t windows, at::Generator& random) const;
  Lesson draw_played(at::Generator& random);

  BaseTrainingConfig config_;
  EncodedBank train_, validation_;
  prior::CameraPrior prior_;
  at::Tensor train_starts_;
  nn::ParameterStore store_;
  wan::Transformer model_;
  std::optional<text::UMT5Encoder> text_encoder_;  // With a tokenizer.
  std::optional<vae::FrameVAE> vae_;               // With rollouts.
  std::optional<RolloutPool> pool_;
};

/// The sizes of the model that `config` describes.
wan::WanConfig base_model_config(const BaseTrainingConfig& config);

/// Variances of a prior, measured: mean squared differences of latents and hints over the frames
/// of `bank`, by class, parallax and visibility.
prior::CameraPriorConfig with_measured_variances(prior::CameraPriorConfig config,
                                                 const EncodedBank& bank);

}  // namespace mw::train
