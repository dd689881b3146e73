// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

namespace mw::diffusion {

/// Velocity `E[e - z | x]` of flow matching when the clean latent z is believed to be Gaussian with
/// mean `mean` and variance `variance`, each value by itself, and x = (1 - s) z + s e:
///
///     (s (x - m) / v - (1 - s) x) / (s^2 / v + (1 - s)^2)
///
/// At s = 1, x less this velocity is the mean itself.
/// All arguments broadcast to the shape of `x`; sigma in [0, 1], variance > 0. Float32.
at::Tensor linear_prior_velocity(const at::Tensor& x, const at::Tensor& sigma,
                                 const at::Tensor& mean, const at::Tensor& variance);

/// The prior's velocity corrected by a network: `learned` counts in units of the deviation that the
/// prior leaves, sqrt(v / (s^2 + (1 - s)^2 v)), so that the network is as cautious as the prior is
/// sure. Source of the idea: the output scaling of arXiv:2206.00364.
at::Tensor correct_linear_prior(const at::Tensor& learned, const at::Tensor& x,
                                const at::Tensor& sigma, const at::Tensor& mean,
                                const at::Tensor& variance);

}  // namespace mw::diffusion
