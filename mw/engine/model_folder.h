// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace mw::engine {

/// The folder of a model, or its weights file, that is given by path or by name. Folders have one
/// of the layouts of model_layout.h; `find_layout` says what is in them. Names are looked up in
/// `models/` beside the program's build folder or installation, and in `models/` of the cache
/// folder. Throws Error kIo that lists where it looked.
std::filesystem::path find_model(const std::string& path_or_name);

/// How a stream is sampled: `scheduler/scheduler_config.json` of an embedded world.
struct SamplingConfig {
  std::string sampler = "euler";   ///< euler or consistency.
  int64_t steps = 2;               ///< Per latent frame.
  int64_t first_frame_steps = 16;  ///< For a first frame that has no image.
  double shift = 3;
  double context_sigma = 0.05;  ///< Noise on frames when they become context, as in training.

  bool operator==(const SamplingConfig&) const = default;

  /// Fields that the file lacks keep their defaults. Throws Error kIo, kFormat or kConfig, naming
  /// the file.
  static SamplingConfig read(const std::filesystem::path& scheduler_config_json);
  void write(const std::filesystem::path& scheduler_config_json) const;
  /// Throws Error kConfig, opening with `source`, when a value is out of range.
  void check(const std::string& source) const;
};

}  // namespace mw::engine
