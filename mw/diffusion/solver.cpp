// SPDX-License-Identifier: Apache-2.0
#include "mw/diffusion/solver.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "mw/core/error.h"

namespace mw::diffusion {
namespace {

/// ln((1 - sigma) / sigma): from minus infinity at pure noise to infinity at the clean latent.
double log_snr(double sigma) { return std::log(1 - sigma) - std::log(sigma); }

/// One exponential step between noise levels: the factors of its terms.
struct ExponentialStep {
  ExponentialStep(double sigma_from, double sigma_to)
      : h(log_snr(sigma_to) - log_snr(sigma_from)),
        keep(sigma_to / sigma_from),
        gain(-(1 - sigma_to) * std::expm1(-h)) {}

  /// The step of order 1: from `x`, towards the clean latent `x0`.
  at::Tensor base(const at::Tensor& x, const at::Tensor& x0) const {
    return x.mul(keep).add(x0, gain);
  }
  /// How far before `sigma_from` the step from `sigma_before` began, in units of this step.
  /// Negative in a walk towards the clean latent; infinite when that step began at pure noise.
  double ratio(double sigma_before, double sigma_from) const {
    return (log_snr(sigma_before) - log_snr(sigma_from)) / h;
  }

  double h;     // Change of the log signal-to-noise ratio.
  double keep;  // Of the noisy latent.
  double gain;  // Of clean latents and their differences.
};

/// Weights of the older difference and of the newest one in the second-order corrector.
std::pair<double, double> corrector_weights(double h, double ratio) {
  const double b = std::expm1(-h);
  const double p1 = b / -h - 1, p2 = p1 / -h - 0.5;
  const double b1 = p1 / b, b2 = 2 * p2 / b;
  const double older = (b1 - b2) / (1 - ratio);
  return {older, b1 - older};
}

class UniPC : public Solver {
 public:
  explicit UniPC(NoiseSchedule schedule) : Solver(std::move(schedule)) {}

 private:
  at::Tensor advance(size_t i, const at::Tensor& x, const at::Tensor& velocity) override {
    // The estimate is of the uncorrected sample, as in the reference.
    const at::Tensor clean = x.sub(velocity, sigmas()[i]);
    start_ = i == 0 ? x : corrected(i, clean);
    older_ = std::exchange(newest_, clean);
    order_ = std::min<int64_t>({2, num_steps() - step_index(), step_index() + 1});
    if (sigmas()[i + 1] == 0) return newest_;
    const ExponentialStep next(sigmas()[i], sigmas()[i + 1]);
    const at::Tensor sample = next.base(start_, newest_);
    if (order_ == 1) return sample;
    return sample.add(older_.sub(newest_),
                      0.5 * next.gain / next.ratio(sigmas()[i - 1], sigmas()[i]));
  }

  /// The last step again, now that the clean latent at its end is known.
  at::Tensor corrected(size_t i, const at::Tensor& clean) const {
    const ExponentialStep last(sigmas()[i - 1], sigmas()[i]);
    const at::Tensor change = clean.sub(newest_);
    const at::Tensor sample = last.base(start_, newest_);
    if (order_ == 1) return sample.add(change, 0.5 * last.gain);
    const double ratio = last.ratio(sigmas()[i - 2], sigmas()[i - 1]);
    const auto [older_weight, newest_weight] = corrector_weights(last.h, ratio);
    return sample.add(older_.sub(newest_), last.gain * older_weight / ratio)
        .add(change, last.gain * newest_weight);
  }

  at::Tensor start_;           // The sample that the last step began from, corrected.
  at::Tensor newest_, older_;  // Clean latents of the last two steps.
  int64_t order_ = 1;          // Of the last step.
};

class DPMSolver : public Solver {
 public:
  explicit DPMSolver(NoiseSchedule schedule) : Solver(std::move(schedule)) {}

 private:
  at::Tensor advance(size_t i, const at::Tensor& x, const at::Tensor& velocity) override {
    const at::Tensor clean = x.sub(velocity, sigmas()[i]);
    const at::Tensor older = std::exchange(newest_, clean);
    if (sigmas()[i + 1] == 0) return clean;
    const ExponentialStep next(sigmas()[i], sigmas()[i + 1]);
    const at::Tensor sample = next.base(x, clean);
    if (i == 0) return sample;
    // The ratio is infinite after a first step from pure noise, and the second order then nothing.
    return sample.add(older.sub(clean), 0.5 * next.gain / next.ratio(sigmas()[i - 1], sigmas()[i]));
  }

  at::Tensor newest_;
};

class Euler : public Solver {
 public:
  explicit Euler(NoiseSchedule schedule) : Solver(std::move(schedule)) {}

 private:
  at::Tensor advance(size_t i, const at::Tensor& x, const at::Tensor& velocity) override {
    return x.add(velocity, sigmas()[i + 1] - sigmas()[i]);
  }
};

}  // namespace

at::Tensor Solver::step(const at::Tensor& x, const at::Tensor& velocity) {
  MW_CHECK(!is_done(), "solver: all ", num_steps(), " steps are done");
  MW_CHECK(x.sizes() == velocity.sizes(), "solver: the velocity must be ", x.sizes(), ", got ",
           velocity.sizes());
  const at::Tensor next = advance(static_cast<size_t>(index_), x, velocity);
  ++index_;
  return next;
}

std::unique_ptr<Solver> make_solver(SolverKind kind, NoiseSchedule schedule) {
  switch (kind) {
    case SolverKind::kUniPC:
      return std::make_unique<UniPC>(std::move(schedule));
    case SolverKind::kDPMSolver:
      return std::make_unique<DPMSolver>(std::move(schedule));
    case SolverKind::kEuler:
      break;
  }
  return std::make_unique<Euler>(std::move(schedule));
}

SamplerChoice parse_sampler(std::string_view name, GridOwner owner, const std::string& where) {
  std::string_view solver = name;
  if (const size_t colon = name.find(':'); colon != std::string_view::npos) {
    const std::string_view given = name.substr(colon + 1);
    solver = name.substr(0, colon);
    MW_CHECK(given == "reference" || given == "diffusers", where,
             ": behind the colon, wanted reference or diffusers, got ", quote_text(name));
    owner = given == "reference" ? GridOwner::kReference : GridOwner::kDiffusers;
  }
  const bool is_reference = owner == GridOwner::kReference;
  if (solver == "unipc") {
    const Grid diffusers =
        owner == GridOwner::kDiffusers ? Grid::kUniPCDiffusers : Grid::kFlowDiffusers;
    return {SolverKind::kUniPC, is_reference ? Grid::kUniPC : diffusers};
  }
  if (solver == "dpm++") {
    return {SolverKind::kDPMSolver, is_reference ? Grid::kDPMSolver : Grid::kFlowDiffusers};
  }
  MW_CHECK(solver == "euler", where,
           ": wanted unipc, dpm++ or euler, perhaps with :reference or :diffusers, got ",
           quote_text(name));
  return {SolverKind::kEuler, Grid::kEulerDiffusers};
}

std::string sampler_name(const SamplerChoice& choice) {
  const bool is_reference = choice.grid == Grid::kUniPC || choice.grid == Grid::kDPMSolver;
  const std::string owner = is_reference ? ":reference" : ":diffusers";
  switch (choice.solver) {
    case SolverKind::kUniPC:
      return "unipc" + owner;
    case SolverKind::kDPMSolver:
      return "dpm++" + owner;
    case SolverKind::kEuler:
      break;
  }
  return "euler";
}

}  // namespace mw::diffusion
