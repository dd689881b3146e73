// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "mw/action/action_track.h"
#include "mw/diffusion/guidance.h"
#include "mw/diffusion/solver.h"
#include "mw/diffusion/tea_cache.h"
#include "mw/engine/image_condition.h"
#include "mw/engine/memory_plan.h"
#include "mw/engine/model_layout.h"
#include "mw/video/image.h"

namespace mw::engine {

/// A LoRA file and how strongly it is merged.
struct LoraChoice {
  std::filesystem::path file;
  double scale = 1;
};

/// What a clip is to be, as far as the user says; the rest is the model's to choose.
struct ClipRequest {
  std::string task;  ///< t2v, i2v, t2w or i2w; empty = the model's.
  std::string prompt;
  std::optional<std::string> negative_prompt;
  std::optional<video::Image> image, last_image;
  std::optional<action::ActionTrack> actions;
  int64_t num_frames = 0, steps = 0;  ///< 0 = the model's.
  ClipSize size;                      ///< 0x0 = the model's, or by the image's aspect ratio.
  std::optional<double> guidance, shift;
  std::optional<double> tea_cache;  ///< Threshold; 0 = off.
  double cfg_skip = 0;              ///< Part of the steps, at the end, without guidance.
  std::string sampler;              ///< See `diffusion::parse_sampler`; empty = the model's.
  uint64_t seed = 0;                ///< Of the noise.
  at::Tensor noise;                 ///< [1, C, T, h, w] in its place.
  std::vector<LoraChoice> loras;
  at::ScalarType dtype = at::kFloat;  ///< Of the transformer and the text encoder.
  bool use_int8 = false;              ///< The transformer's matrices in 8 bits, else `dtype`.
  Offload offload = Offload::kModel;
  bool use_vae_tiling = false;
};

/// Everything that a clip is made from, settled and checked.
struct ClipPlan {
  ModelLayout layout;
  std::string task;  ///< t2v, i2v, t2w or i2w.
  std::string prompt, negative_prompt;
  std::optional<video::Image> image, last_image;
  std::optional<action::ActionTrack> actions;  ///< A row for each frame.
  ImageRules image_rules = ImageRules::kWan;
  bool uses_image_encoder = false;
  int64_t text_length = 512;        ///< Tokens that prompts are cut to.
  bool keeps_first_latent = false;  ///< Wan2.2 TI2V: the start frame is the first latent itself.
  int64_t num_frames = 0;           ///< F = 4 k + 1.
  double fps = 16;
  ClipSize size;
  std::array<int64_t, 4> latent_shape{};  ///< C, T, h, w.
  diffusion::SamplerChoice sampler;
  int64_t steps = 0;
  double shift = 0;
  diffusion::GuidanceConfig guidance;
  std::optional<diffusion::TeaCacheConfig> tea_cache;
  uint64_t seed = 0;
  at::Tensor noise;  ///< Undefined: drawn from the seed.
  std::vector<LoraChoice> loras;
  at::ScalarType dtype = at::kFloat;
  bool use_int8 = false;
  Offload offload = Offload::kModel;
  bool use_vae_tiling = false;
};

/// Fills what the request leaves open with the model's defaults and checks that model, task and
/// inputs fit. Reads configurations alone, no weights.
/// Throws Error kInvalidArgument for what the request can't have, kIo or kConfig for a model that
/// lacks a part.
ClipPlan plan_clip(const ModelLayout& layout, ClipRequest request);

/// The negative prompt that a model was published with; empty for diffusers' folders.
std::string default_negative_prompt(const ModelLayout& layout);

}  // namespace mw::engine
