// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace mw::diffusion {

/// Whose table of noise levels is walked. They differ in the third digit, and pictures with them.
enum class Grid {
  kStream,          ///< Even in u from 1: few-step models.
  kUniPC,           ///< Wan's and Micro-World's UniPC.
  kDPMSolver,       ///< Wan's and Micro-World's DPM++.
  kFlowDiffusers,   ///< diffusers' DPM++, and its UniPC up to 0.36.
  kUniPCDiffusers,  ///< diffusers' UniPC from 0.37 on.
  kEulerDiffusers,  ///< diffusers' FlowMatchEulerDiscreteScheduler, which shifts twice.
};

/// Noise levels of a sampler's steps, from noise to clean. Those of references are float32 values,
/// as they store them: near 1 the steps' coefficients depend on it.
struct NoiseSchedule {
  std::vector<double> sigmas;     ///< One more than steps; the last is 0.
  std::vector<double> timesteps;  ///< What the denoiser is told at each step, 0 to 1000; whole
                                  ///< numbers, cut off, but for kStream and kEulerDiffusers.

  int64_t num_steps() const { return static_cast<int64_t>(timesteps.size()); }
};

/// `S(u) = s u / (1 + (s - 1) u)`: moves noise levels towards 1 when s > 1.
double shifted_sigma(double u, double shift);

/// Throws Error kInvalidArgument unless steps and shift are positive.
/// Sources: `fm_solvers_unipc.py` and `fm_solvers.py` of github.com/Wan-Video/Wan2.1;
/// `scheduling_unipc_multistep.py` and `scheduling_flow_match_euler_discrete.py` of
/// github.com/huggingface/diffusers.
NoiseSchedule make_schedule(Grid grid, int64_t steps, double shift);

}  // namespace mw::diffusion
