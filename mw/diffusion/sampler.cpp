// SPDX-License-Identifier: Apache-2.0
#include "mw/diffusion/sampler.h"

#include <ATen/ops/randn.h>

#include <algorithm>
#include <cmath>

namespace mw::diffusion {
namespace {

/// One exponential step between noise levels: the factors of its terms.
struct ExponentialStep {
  ExponentialStep(double sigma_from, double sigma_to)
      : h(log_snr(sigma_to) - log_snr(sigma_from)),
        keep(sigma_to / sigma_from),
        gain(-(1 - sigma_to) * std::expm1(-h)) {}

  static double log_snr(double sigma) { return std::log(1 - sigma) - std::log(sigma); }

  /// The step of order 1: from `x`, towards the clean latent `x0`.
  at::Tensor base(const at::Tensor& x, const at::Tensor& x0) const {
    return x.mul(keep).add(x0, gain);
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

}  // namespace

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

at::Tensor sample_unipc(const Denoiser& denoiser, const at::Tensor& noise,
                        const NoiseSchedule& schedule) {
  const std::vector<double>& sigmas = schedule.sigmas;
  const int64_t steps = schedule.num_steps();
  at::Tensor x = noise;
  at::Tensor before;         // The sample that the last step began from.
  at::Tensor newest, older;  // Clean latents of the last two steps.
  int64_t order = 1;         // Of the last step.
  for (int64_t step = 0; step < steps; ++step) {
    const auto i = static_cast<size_t>(step);
    const at::Tensor clean = x.sub(denoiser(x, schedule.timesteps[i]), sigmas[i]);
    // How far back the step before the one from `from` began, in units of that step.
    const auto ratio = [&](size_t from, double h) {
      return (ExponentialStep::log_snr(sigmas[from - 1]) - ExponentialStep::log_snr(sigmas[from])) /
             h;
    };
    if (step > 0) {
      const ExponentialStep last(sigmas[i - 1], sigmas[i]);
      const at::Tensor change = clean.sub(newest);
      x = last.base(before, newest);
      if (order == 1) {
        x = x.add(change, 0.5 * last.gain);
      } else {
        const double r = ratio(i - 1, last.h);
        const auto [older_weight, newest_weight] = corrector_weights(last.h, r);
        x = x.add(older.sub(newest), last.gain * older_weight / r)
                .add(change, last.gain * newest_weight);
      }
    }
    older = newest;
    newest = clean;
    order = std::min<int64_t>({2, steps - step, step + 1});
    before = x;
    if (sigmas[i + 1] == 0) return newest;
    const ExponentialStep next(sigmas[i], sigmas[i + 1]);
    x = next.base(before, newest);
    if (order == 2) x = x.add(older.sub(newest), 0.5 * next.gain / ratio(i, next.h));
  }
  return x;
}

}  // namespace mw::diffusion
