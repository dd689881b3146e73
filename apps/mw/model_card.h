// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "mw/train/objective.h"

namespace mw::app {

/// What a model folder's README tells about how the model came to be.
struct ModelCard {
  std::string name;
  std::filesystem::path dataset;
  int64_t num_clips = 0;  ///< Trained on.
  int64_t num_frames = 0;
  int64_t num_parameters = 0;
  int64_t steps = 0;  ///< Updates of the last run.
  double hours = 0;   ///< They took.
  int64_t seed = 0;
  std::string init_from;   ///< The model that the last run began from; empty = from scratch.
  train::Scalars figures;  ///< Of the last validation.
};

/// Writes `README.md` into a model folder. Throws Error kIo.
void write_model_card(const ModelCard& card, const std::filesystem::path& folder);

}  // namespace mw::app
