// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <string_view>

#include "mw/diffusion/noise_schedule.h"

namespace mw::diffusion {

/// How a sample is moved from one noise level to the next.
enum class SolverKind {
  kUniPC,      ///< Order 2, B2(h), predicting x0, corrected from the second step on. 2302.04867.
  kDPMSolver,  ///< DPM-Solver++(2M), the midpoint rule. arXiv:2211.01095.
  kEuler,      ///< Straight lines: `x += (next - sigma) v`.
};

/// Walks a noise schedule from noise to the clean latent, one velocity at a time. The last step of
/// the multistep solvers is of order 1 and gives the clean latent itself. Coefficients are float64,
/// samples keep their dtype (float32 wherever references are matched). Owned by one thread.
class Solver {
 public:
  virtual ~Solver() = default;

  /// The sample at the next noise level. x: the sample that the last call gave, at first the noise;
  /// velocity: `noise - x0` at x and `timestep()`, of x's shape.
  /// Throws Error kInvalidArgument when all steps are done or shapes differ.
  at::Tensor step(const at::Tensor& x, const at::Tensor& velocity);

  int64_t num_steps() const { return schedule_.num_steps(); }
  int64_t step_index() const { return index_; }  ///< Of the step to come.
  bool is_done() const { return index_ == num_steps(); }
  /// What the denoiser is told at the step to come, 0 to 1000.
  double timestep() const { return schedule_.timesteps[static_cast<size_t>(index_)]; }

 protected:
  explicit Solver(NoiseSchedule schedule) : schedule_(std::move(schedule)) {}
  /// The step of that index; `step` has checked the arguments.
  virtual at::Tensor advance(size_t i, const at::Tensor& x, const at::Tensor& velocity) = 0;
  const std::vector<double>& sigmas() const { return schedule_.sigmas; }

 private:
  NoiseSchedule schedule_;
  int64_t index_ = 0;
};

std::unique_ptr<Solver> make_solver(SolverKind kind, NoiseSchedule schedule);

/// A solver and the table of noise levels it walks.
struct SamplerChoice {
  SolverKind solver = SolverKind::kUniPC;
  Grid grid = Grid::kUniPC;

  bool operator==(const SamplerChoice&) const = default;
};

/// Whose tables a sampler's name means.
enum class GridOwner {
  kReference,     ///< Wan's and Micro-World's own code.
  kDiffusers,     ///< diffusers from 0.37 on.
  kDiffusersOld,  ///< diffusers up to 0.36, which wrote the released folders.
};

/// `unipc`, `dpm++` or `euler`, with `:reference` or `:diffusers` behind it to choose the table by
/// hand. Throws Error kInvalidArgument, opening with `where`, for another name.
SamplerChoice parse_sampler(std::string_view name, GridOwner owner, const std::string& where);

/// What `parse_sampler` reads, in full: "unipc:reference".
std::string sampler_name(const SamplerChoice& choice);

}  // namespace mw::diffusion
