// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/mw/clip_option.h"

namespace mw::app {

/// What `mw generate` was told. Options that were not given are empty, 0 or absent.
struct GenerateOptions {
  std::string task, model, base;
  std::string prompt, image, last_image, actions, size, sampler, noise, out;
  std::optional<std::string> negative_prompt;
  std::string device = "auto", offload = "model", dtype, mode = "full", filter = "bicubic";
  std::vector<std::string> loras;
  ClipOption clip;
  int64_t frames = 0, steps = 0, scale = 0;
  std::optional<double> guidance, tea_cache;
  double shift = 0, pitch = 0, cfg_skip = 0;
  uint64_t seed = 0;
  bool use_overlay = false, use_json = false, use_vae_tiling = false;
};

/// A clip of an embedded world, frame after frame.
void generate_world(GenerateOptions options);

/// A clip of an original model (Wan, Micro-World), all frames together.
void generate_original(const GenerateOptions& options);

/// Throws Error kInvalidArgument with what is wrong with the options.
[[noreturn]] void refuse_generate(const std::string& message);

}  // namespace mw::app
