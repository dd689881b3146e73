// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>

#include "mw/train/event_file.h"
#include "mw/train/objective.h"

namespace mw::train {

/// A run's figures twice: `metrics.jsonl`, one object per line with step and seconds, and a
/// TensorBoard event file. Both are appended to, so a resumed run keeps its curves.
class MetricsLog {
 public:
  /// Goes on after `step`: what a killed run noted beyond its last checkpoint is dropped, because
  /// it will be noted again. Throws Error kIo when `folder` is not writable.
  MetricsLog(const std::filesystem::path& folder, int64_t step);

  /// `prefix` is put before each name, as in `train/loss`.
  void write(const char* prefix, int64_t step, double seconds, const Scalars& figures);

 private:
  std::ofstream lines_;
  EventFile events_;
};

}  // namespace mw::train
