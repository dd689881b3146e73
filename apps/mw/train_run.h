// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mw/core/config.h"
#include "mw/train/objective.h"
#include "mw/train/trainer.h"

namespace mw::app {

/// What every `mw train` command takes.
struct TrainOptions {
  std::string config;
  std::vector<std::string> settings;
  std::string out;
  std::string export_to;  ///< A folder for the model instead of training; empty = train.
  bool resume = false;
  bool show_config = false;
};

/// The file's settings, then `--set`s.
ConfigSource read_settings(const TrainOptions& options);

/// Runs to the end or to Ctrl-C (which saves first), with a progress line under the `summary` of
/// what is trained, and records the resolved config in the run's folder.
void run_training(const TrainOptions& options, const train::TrainerConfig& config,
                  const std::string& resolved_config, const std::string& summary,
                  train::Objective& objective);

}  // namespace mw::app
