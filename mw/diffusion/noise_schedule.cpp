// SPDX-License-Identifier: Apache-2.0
#include "mw/diffusion/noise_schedule.h"

#include <cmath>

#include "mw/core/error.h"

namespace mw::diffusion {
namespace {

constexpr double kTimesteps = 1000;
constexpr double kWanLargest = 0.999F;  // Kept as float32 by the original, so not quite 0.999.

/// Value i of n + 1 evenly spaced ones, rounded like numpy's linspace: timesteps are cut off at
/// whole numbers, so the last bit counts.
double linspace(double first, double last, double i, double n) {
  return i == n ? last : first + i * ((last - first) / n);
}

/// The unshifted level of step i of n.
double level(Grid grid, int64_t step, int64_t steps, double shift) {
  const auto i = static_cast<double>(step), n = static_cast<double>(steps);
  switch (grid) {
    case Grid::kStream:
      return 1 - i / n;
    case Grid::kUniPC:
      return linspace(kWanLargest, 0, i, n);
    case Grid::kDPMSolver:
      return linspace(1, 0, i, n);
    case Grid::kFlowDiffusers:
      return 1 - linspace(1, 1 / kTimesteps, n - i, n);
    case Grid::kUniPCDiffusers:
      return linspace(1, 1 / kTimesteps, i, n);
    case Grid::kEulerDiffusers: {
      // Even between the ends of a table that is shifted already; a single step takes its first.
      const double last = shifted_sigma(1 / kTimesteps, shift);
      return steps == 1 ? 1 : linspace(1, last, i, n - 1);
    }
  }
  return 0;
}

}  // namespace

double shifted_sigma(double u, double shift) { return shift * u / (1 + (shift - 1) * u); }

NoiseSchedule make_schedule(Grid grid, int64_t steps, double shift) {
  MW_CHECK(steps > 0 && shift > 0, "noise schedule: steps and shift must be positive, got ", steps,
           " and ", shift);
  NoiseSchedule schedule;
  for (int64_t i = 0; i < steps; ++i) {
    double sigma = shifted_sigma(level(grid, i, steps, shift), shift);
    if (grid == Grid::kUniPCDiffusers && std::abs(sigma - 1) < 1e-6) sigma -= 1e-6;
    const bool is_exact = grid == Grid::kStream;
    const bool is_whole = !is_exact && grid != Grid::kEulerDiffusers;
    schedule.sigmas.push_back(is_exact ? sigma : static_cast<float>(sigma));
    schedule.timesteps.push_back(is_whole ? std::trunc(kTimesteps * sigma) : kTimesteps * sigma);
  }
  schedule.sigmas.push_back(0);
  return schedule;
}

}  // namespace mw::diffusion
