// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace mw::train {

/// How the learning rate moves over a run.
struct ScheduleConfig {
  int64_t warmup_steps = 50;
  std::string decay = "cosine";
  double decay_start = 0.0;
  double final_factor = 0.02;

  template <class Visitor>
  void visit(Visitor& field) {
    field("warmup_steps", warmup_steps, "Updates over which the rate rises linearly from zero.");
    field("decay", decay, "constant, linear or cosine.");
    field("decay_start", decay_start, "Share of the run after which the rate falls.");
    field("final_factor", final_factor, "What is left of the peak rate at the end.");
  }
};

/// Factor on the peak learning rate for update `step` of `num_steps`, in [0, 1].
/// Throws Error kConfig for an unknown decay.
double learning_rate_factor(const ScheduleConfig& config, int64_t step, int64_t num_steps);

}  // namespace mw::train
