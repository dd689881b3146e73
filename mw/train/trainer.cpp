// SPDX-License-Identifier: Apache-2.0
#include "mw/train/trainer.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "mw/core/error.h"

namespace mw::train {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// bfloat16 autocast on the CPU for one scope.
class AutocastScope {
 public:
  explicit AutocastScope(bool enabled) : enabled_(enabled) {
    if (!enabled_) return;
    at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
    at::autocast::set_autocast_enabled(at::kCPU, true);
    at::autocast::increment_nesting();
  }
  ~AutocastScope() {
    if (!enabled_) return;
    // Converted weights are cached for the scope; the optimiser is about to change the originals.
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(at::kCPU, false);
  }
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  bool enabled_;
};

void copy_tensors(const nn::TensorMap& from, const nn::TensorMap& to, const char* what) {
  for (const auto& [name, tensor] : to) {
    const auto found = from.find(name);
    if (found == from.end() || found->second.sizes() != tensor.sizes()) {
      throw Error(ErrorCode::kWeights,
                  concat_message("checkpoint: no ", what, " '", name, "' of shape ", tensor.sizes(),
                                 "; it belongs to another model"));
    }
    tensor.copy_(found->second);
  }
}

}  // namespace

Trainer::Trainer(const TrainerConfig& config, Objective& objective, std::filesystem::path folder,
                 bool resume)
    : config_(config),
      objective_(objective),
      folder_(std::move(folder)),
      optimizer_(
          config.optimizer, objective.parameters(),
          [&](const std::string& name) { return objective.is_frozen(name); },
          [&](const std::string& name) { return objective.is_block_matrix(name); }),
      random_(at::detail::createCPUGenerator(static_cast<uint64_t>(config.seed))) {
  MW_CHECK(config.steps > 0 && config.accumulation > 0,
           "train: steps and accumulation must be at least 1");
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) {
    throw Error(ErrorCode::kIo, "train: can't make '" + folder_.string() + "': " + error.message());
  }
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : objective_.parameters().tensors()) {
    averaged_[name] = tensor.detach().clone();
  }
  if (!resume) return;
  const Checkpoint checkpoint = Checkpoint::read(folder_ / "checkpoint.safetensors");
  copy_tensors(checkpoint.weights, objective_.parameters().tensors(), "weight");
  copy_tensors(checkpoint.averaged, averaged_, "averaged weight");
  optimizer_.load_state(checkpoint.optimizer);
  objective_.load_state(checkpoint.objective);
  random_.set_state(checkpoint.random);
  step_ = checkpoint.step;
  seconds_ = checkpoint.seconds;
}

Scalars Trainer::update() {
  const Clock::time_point start = Clock::now();
  Scalars figures;
  double loss_sum = 0;
  for (int64_t part = 0; part < config_.accumulation; ++part) {
    at::Tensor loss;
    {
      const AutocastScope autocast(config_.use_bf16);
      loss = objective_.loss(step_, random_, figures).div(config_.accumulation);
    }
    loss.backward();
    loss_sum += loss.item<double>();
  }
  const double factor = learning_rate_factor(config_.schedule, step_, config_.steps);
  figures["loss"] = loss_sum;
  figures["gradient_norm"] = optimizer_.step(factor);
  figures["rate"] = factor * config_.optimizer.learning_rate;

  const at::NoGradGuard no_grad;
  // A young average follows quickly, or it would ship the initial noise.
  const double decay = std::min(
      config_.ema_decay, (1.0 + static_cast<double>(step_)) / (10.0 + static_cast<double>(step_)));
  for (const auto& [name, tensor] : objective_.parameters().tensors()) {
    if (tensor.is_floating_point()) averaged_.at(name).lerp_(tensor, 1 - decay);
  }
  ++step_;
  seconds_ += seconds_since(start);
  return figures;
}

Scalars Trainer::validate() {
  const at::NoGradGuard no_grad;
  const AutocastScope autocast(config_.use_bf16);
  swap_averaged();
  Scalars figures = objective_.validate();
  swap_averaged();
  return figures;
}

bool Trainer::run(const std::function<void(const Progress&)>& on_progress,
                  const std::function<bool()>& should_stop) {
  MetricsLog log(folder_, step_);
  const Clock::time_point sitting = Clock::now();
  Clock::time_point saved = Clock::now();
  const int64_t first_step = step_;
  const auto report = [&](const char* prefix, Scalars figures) {
    log.write(prefix, step_, seconds_, figures);
    const double pace =
        step_ > first_step ? seconds_since(sitting) / static_cast<double>(step_ - first_step) : 0;
    on_progress({.step = step_,
                 .num_steps = config_.steps,
                 .seconds = seconds_,
                 .seconds_remaining = pace * static_cast<double>(config_.steps - step_),
                 .figures = std::move(figures),
                 .is_validation = std::string_view(prefix) == "val"});
  };
  const auto is_due = [&](int64_t every) { return every > 0 && step_ % every == 0; };
  const auto show_model = [&] {
    report("val", validate());
    export_model(folder_ / "model");
  };
  bool is_stopped = false;
  while (step_ < config_.steps && !is_stopped) {
    Scalars figures = update();
    const bool is_out_of_time =
        config_.max_minutes > 0 && seconds_since(sitting) > 60 * config_.max_minutes;
    is_stopped = is_out_of_time || should_stop();
    if (is_due(config_.log_every)) report("train", std::move(figures));
    if (is_stopped || step_ == config_.steps) break;
    if (is_due(config_.validate_every)) show_model();
    if (is_due(config_.sample_every)) write_samples();
    if (seconds_since(saved) > 60 * config_.checkpoint_minutes) {
      write_checkpoint();
      saved = Clock::now();
    }
  }
  write_checkpoint();
  show_model();
  write_samples();
  return step_ >= config_.steps;
}

void Trainer::write_samples() {
  const at::NoGradGuard no_grad;
  const std::filesystem::path folder = folder_ / "samples" / std::to_string(step_);
  std::filesystem::create_directories(folder);
  swap_averaged();
  objective_.write_samples(folder);
  swap_averaged();
}

void Trainer::write_checkpoint() const {
  Checkpoint checkpoint{.weights = objective_.parameters().tensors(),
                        .averaged = averaged_,
                        .optimizer = optimizer_.state(),
                        .objective = objective_.state(),
                        .random = random_.get_state(),
                        .step = step_,
                        .seconds = seconds_};
  checkpoint.write(folder_ / "checkpoint.safetensors");
}

void Trainer::export_model(const std::filesystem::path& folder) {
  const at::NoGradGuard no_grad;
  std::filesystem::create_directories(folder);
  swap_averaged();
  objective_.export_model(folder);
  swap_averaged();
}

void Trainer::swap_averaged() {
  for (const auto& [name, tensor] : objective_.parameters().tensors()) {
    const at::Tensor current = tensor.detach().clone();
    tensor.copy_(averaged_.at(name));
    averaged_.at(name).copy_(current);
  }
}

}  // namespace mw::train
