// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "mw/eval/control_tally.h"
#include "mw/video/image.h"

namespace mw::eval {

/// What a world is measured on.
struct WorldEvalConfig {
  std::filesystem::path real;   ///< A data set with a split that the model never saw.
  std::filesystem::path model;  ///< An embedded world's folder.
  std::string split = {};       ///< Its name; empty: `test` if it has clips, otherwise `val`.
  int64_t starts = 64;          ///< Windows, spread evenly over the held-out clips.
  int64_t frames = 16;          ///< Frames played from each start.
  int64_t long_starts = 16;     ///< Whole clips played from their first frame; 0 = none.
  std::string dtype = "fp32";
  int64_t steps = 0;  ///< Sampler steps per frame; 0 = the model's own.
};

/// One way of making frames, against the recording under the same actions.
struct WorldScore {
  WorldScore(std::string score_name, ControlTally tally)
      : name(std::move(score_name)), control(std::move(tally)) {}

  std::string name;
  std::vector<double> psnr, ssim;            ///< Mean over the frames of each window.
  std::vector<double> long_psnr, long_ssim;  ///< The same of each whole clip.
  ControlTally control;
};

/// The scores of `recorded` (the ceiling of the control measures), `full` (the model), `prior` (the
/// bare camera prior), `rotation` (the prior without its sense of depth), `repeat` (the first frame
/// for ever) and `shuffled` (the model's frames judged by another window's actions: the floor).
struct WorldReport {
  std::string split;
  int64_t starts = 0, frames = 0, long_starts = 0, long_frames = 0;
  std::vector<WorldScore> scores;
  video::Image sheet;  ///< Recorded frames beside the model's: see contact_sheet.h.

  std::string table() const;
  nlohmann::ordered_json json() const;
};

/// PSNR of one frame counts at most this much, so that a few perfect ones don't carry a mean.
inline constexpr double kPsnrCeiling = 40;

/// Plays the model and its baselines from recorded frames under recorded actions.
/// on_progress(name, done, all) is called after every window.
/// Throws Error when the data set has no clips in split `val` or a file of either is not sound.
WorldReport evaluate_world(
    const WorldEvalConfig& config,
    const std::function<void(const std::string&, int64_t, int64_t)>& on_progress);

}  // namespace mw::eval
