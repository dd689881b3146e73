// SPDX-License-Identifier: Apache-2.0
#include "mw/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "mw/core/error.h"

namespace mw::train {

double learning_rate_factor(const ScheduleConfig& config, int64_t step, int64_t num_steps) {
  const double warm =
      config.warmup_steps > 0
          ? std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(config.warmup_steps))
          : 1.0;
  const double progress =
      static_cast<double>(step) / static_cast<double>(std::max<int64_t>(1, num_steps));
  const double fallen = std::clamp(
      (progress - config.decay_start) / std::max(1e-9, 1 - config.decay_start), 0.0, 1.0);
  double remaining = 1;  // From 1 to 0 over the decaying part.
  if (config.decay == "linear") {
    remaining = 1 - fallen;
  } else if (config.decay == "cosine") {
    remaining = 0.5 * (1 + std::cos(std::numbers::pi * fallen));
  } else if (config.decay != "constant") {
    throw Error(ErrorCode::kConfig,
                "config: decay must be constant, linear or cosine, got '" + config.decay + "'");
  }
  return warm * (config.final_factor + (1 - config.final_factor) * remaining);
}

}  // namespace mw::train
