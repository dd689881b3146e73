// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mw/models/vae/frame_vae.h"
#include "mw/train/frame_bank.h"
#include "mw/train/objective.h"

namespace mw::train {

/// Data, size and loss of a FrameVAE run.
struct FrameVAETrainingConfig {
  std::string data;
  std::string init_from;
  int64_t batch = 32;
  int64_t crop = 64;
  double full_frames_from = 0.8;
  int64_t full_frames_batch = 6;
  int64_t frame_stride = 3;
  int64_t max_frames = 45000;
  double gradient_weight = 0.25;
  double latent_weight = 1e-3;
  double depth_weight = 0.5;
  double latent_noise = 0.15;
  bool freeze_encoder = false;
  std::vector<int64_t> widths = {32, 64, 96};
  std::vector<int64_t> encoder_blocks = {1, 2, 2};
  std::vector<int64_t> decoder_blocks = {2, 2, 3};

  template <class Visitor>
  void visit(Visitor& field) {
    field("data", data, "Data-set folder.");
    field("init_from", init_from,
          "A vae/ folder whose weights to start from; empty = from scratch.");
    field("batch", batch, "Crops per update.");
    field("crop", crop, "Side of the square crops, a multiple of 8.");
    field("full_frames_from", full_frames_from,
          "Share of the run after which whole frames are used.");
    field("full_frames_batch", full_frames_batch, "Whole frames per update then.");
    field("frame_stride", frame_stride, "Use every n-th frame: neighbours look alike.");
    field("max_frames", max_frames, "Frames held in memory, 51 kB each at 176x96.");
    field("gradient_weight", gradient_weight,
          "Weight of the L1 loss on horizontal and vertical differences.");
    field("latent_weight", latent_weight, "Weight of the mean squared latent.");
    field("depth_weight", depth_weight, "Weight of the L1 loss of the depth head.");
    field("latent_noise", latent_noise,
          "Largest noise on latents before decoding, in their deviation.");
    field("freeze_encoder", freeze_encoder,
          "Train the decoder and the depth head alone: latents stay as they are.");
    field("widths", widths, "Channels at 1/2, 1/4 and 1/8 of the size.");
    field("encoder_blocks", encoder_blocks, "Residual blocks at each size.");
    field("decoder_blocks", decoder_blocks, "Residual blocks at each size.");
  }
};

/// Trains a FrameVAE: L1 + MSE + image gradients on noised latents, and depth where it is recorded.
class FrameVAEObjective : public Objective {
 public:
  /// num_steps: of the run, which places the change from crops to whole frames.
  FrameVAEObjective(const FrameVAETrainingConfig& config, FrameBank train, FrameBank validation,
                    int64_t num_steps, uint64_t seed);

  nn::ParameterStore& parameters() override { return store_; }
  bool is_frozen(const std::string& name) const override;
  at::Tensor loss(int64_t step, at::Generator& random, Scalars& figures) override;
  /// `psnr` in dB and `ssim` over pixels in [0, 1] (means of frames), `depth_error` in square-root
  /// units.
  Scalars validate() override;
  void write_samples(const std::filesystem::path& folder) override;
  /// Measures the latents' statistics and writes `config.json` and the weights.
  void export_model(const std::filesystem::path& folder) override;

 private:
  struct Batch {
    at::Tensor pixels;  // [B, 3, h, w] in [-1, 1], channels last.
    at::Tensor depth;   // [B, 1, h/4, w/4] in [0, 1], or undefined.
  };
  Batch draw(int64_t step, at::Generator& random) const;

  FrameVAETrainingConfig config_;
  vae::FrameVAEConfig model_config_;
  FrameBank train_, validation_;
  int64_t num_steps_;
  nn::ParameterStore store_;
  vae::FrameVAE model_;
};

}  // namespace mw::train
