// SPDX-License-Identifier: Apache-2.0
#include "mw/diffusion/linear_prior.h"

namespace mw::diffusion {

at::Tensor linear_prior_velocity(const at::Tensor& x, const at::Tensor& sigma,
                                 const at::Tensor& mean, const at::Tensor& variance) {
  const at::Tensor s = sigma.to(at::kFloat), v = variance.to(at::kFloat);
  const at::Tensor noisy = x.to(at::kFloat), rest = s.neg().add(1);
  // Both sides times v, so that a small variance at s = 1 stays finite.
  return s.mul(noisy.sub(mean.to(at::kFloat)))
      .sub(rest.mul(v).mul(noisy))
      .div(s.square().add(rest.square().mul(v)));
}

at::Tensor correct_linear_prior(const at::Tensor& learned, const at::Tensor& x,
                                const at::Tensor& sigma, const at::Tensor& mean,
                                const at::Tensor& variance) {
  const at::Tensor s = sigma.to(at::kFloat), v = variance.to(at::kFloat);
  const at::Tensor deviation = v.div(s.square().add(s.neg().add(1).square().mul(v))).sqrt();
  return linear_prior_velocity(x, sigma, mean, variance).add(learned.mul(deviation));
}

}  // namespace mw::diffusion
