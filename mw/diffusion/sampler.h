// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <functional>

#include "mw/diffusion/noise_schedule.h"
#include "mw/diffusion/solver.h"

namespace mw::diffusion {

/// The flow velocity `noise - x0` at a noisy latent: `(xt, timestep) -> velocity` of its shape;
/// timesteps on the 0 to 1000 scale.
using Denoiser = std::function<at::Tensor(const at::Tensor& xt, double timestep)>;

/// Walks the schedule by straight lines: `x += (next - sigma) v`. Returns the clean latent.
at::Tensor sample_euler(const Denoiser& denoiser, const at::Tensor& noise,
                        const NoiseSchedule& schedule);

/// Walks it by estimates: `x0 = x - sigma v`, then fresh noise up to the next sigma. What few-step
/// models are distilled for. Source: arXiv:2303.01469, algorithm 1, with flow-matching noising.
at::Tensor sample_consistency(const Denoiser& denoiser, const at::Tensor& noise,
                              const NoiseSchedule& schedule, at::Generator& random);

/// Walks it by any solver of `solver.h`.
at::Tensor sample(Solver& solver, const Denoiser& denoiser, const at::Tensor& noise);

}  // namespace mw::diffusion
