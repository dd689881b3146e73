// SPDX-License-Identifier: Apache-2.0
#include "mw/diffusion/sampler.h"

#include <ATen/ops/randn.h>

namespace mw::diffusion {

at::Tensor sample_euler(const Denoiser& denoiser, const at::Tensor& noise,
                        const NoiseSchedule& schedule) {
  at::Tensor x = noise;
  for (size_t i = 0; i < schedule.timesteps.size(); ++i) {
    x = x.add(denoiser(x, schedule.timesteps[i]), schedule.sigmas[i + 1] - schedule.sigmas[i]);
  }
  return x;
}

at::Tensor sample_consistency(const Denoiser& denoiser, const at::Tensor& noise,
                              const NoiseSchedule& schedule, at::Generator& random) {
  at::Tensor x = noise, clean = noise;
  for (size_t i = 0; i < schedule.timesteps.size(); ++i) {
    clean = x.sub(denoiser(x, schedule.timesteps[i]), schedule.sigmas[i]);
    const double next = schedule.sigmas[i + 1];
    if (next == 0) break;
    x = clean.mul(1 - next).add(at::randn(clean.sizes(), random, clean.options()), next);
  }
  return clean;
}

at::Tensor sample(Solver& solver, const Denoiser& denoiser, const at::Tensor& noise) {
  at::Tensor x = noise;
  while (!solver.is_done()) x = solver.step(x, denoiser(x, solver.timestep()));
  return x;
}

}  // namespace mw::diffusion
