// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Generator.h>

#include <cstdint>
#include <filesystem>
#include <functional>

#include "mw/train/checkpoint.h"
#include "mw/train/metrics_log.h"
#include "mw/train/objective.h"
#include "mw/train/optimizer.h"
#include "mw/train/schedule.h"

namespace mw::train {

/// One run of the loop.
struct TrainerConfig {
  int64_t steps = 1000;
  double max_minutes = 0;
  int64_t accumulation = 1;
  double ema_decay = 0.998;
  bool use_bf16 = true;
  int64_t seed = 1;
  int64_t log_every = 20;
  int64_t validate_every = 200;
  int64_t sample_every = 0;
  double checkpoint_minutes = 3;
  OptimizerConfig optimizer;
  ScheduleConfig schedule;

  template <class Visitor>
  void visit(Visitor& field) {
    field("steps", steps, "Updates in the whole run; the schedule is laid over them.");
    field("max_minutes", max_minutes,
          "Stop (resumably) after this time in this sitting; 0 = never.");
    field("accumulation", accumulation, "Batches whose gradients are averaged into one update.");
    field("ema_decay", ema_decay, "Decay of the weights' moving average, which is what ships.");
    field("use_bf16", use_bf16,
          "Matrix products and convolutions in bfloat16, weights in float32.");
    field("seed", seed, "Seed of weights, batches and noise.");
    field("log_every", log_every, "Updates between lines of figures.");
    field("validate_every", validate_every, "Updates between validations.");
    field("sample_every", sample_every, "Updates between samples to look at; 0 = at the end only.");
    field("checkpoint_minutes", checkpoint_minutes, "Minutes between checkpoints.");
    field.section("optimizer", optimizer);
    field.section("schedule", schedule);
  }
};

/// Where a run stands, for whoever shows it.
struct Progress {
  int64_t step = 0;
  int64_t num_steps = 0;
  double seconds = 0;            ///< Spent so far, over all sittings.
  double seconds_remaining = 0;  ///< At the present pace.
  Scalars figures;
  bool is_validation = false;
};

/// Runs an Objective: gradients, clipping, schedule, moving average, checkpoints, figures.
///
/// Files in `folder`: `checkpoint.safetensors`, `metrics.jsonl`, TensorBoard events, `samples/` and
/// `model/` as the objective exports it, renewed at every validation. Continues bit-exactly from a
/// checkpoint at an equal number of threads.
class Trainer {
 public:
  /// With `resume`, goes on from the folder's checkpoint, which must exist (Error kIo).
  Trainer(const TrainerConfig& config, Objective& objective, std::filesystem::path folder,
          bool resume);

  /// Trains to the end, until `max_minutes`, or until `should_stop` (asked after every update) says
  /// so; checkpoint and model are written either way. Returns whether the run is complete.
  bool run(
      const std::function<void(const Progress&)>& on_progress,
      const std::function<bool()>& should_stop = [] { return false; });

  /// One update; returns the figures of its last batch with `loss`, `gradient_norm`, `rate`.
  Scalars update();

  /// Validation figures with the averaged weights.
  Scalars validate();

  int64_t step() const { return step_; }
  double seconds() const { return seconds_; }  ///< Spent in updates, over all sittings.
  /// The moving average of the weights, by name.
  const nn::TensorMap& averaged() const { return averaged_; }
  void write_checkpoint() const;
  void export_model(const std::filesystem::path& folder);

 private:
  void write_samples();
  void swap_averaged();

  TrainerConfig config_;
  Objective& objective_;
  std::filesystem::path folder_;
  Optimizer optimizer_;
  nn::TensorMap averaged_;
  at::Generator random_;
  int64_t step_ = 0;
  double seconds_ = 0;
};

}  // namespace mw::train
