// SPDX-License-Identifier: Apache-2.0
#include "mw/nn/conv.h"

#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv3d.h>

namespace mw::nn {

Conv2d::Conv2d(const WeightScope& weights, const Conv2dConfig& config,
               std::optional<Init> weight_init)
    : config_(config) {
  const int64_t fan_in = config.in * config.kernel * config.kernel;
  weight_ = weights.tensor("weight", {config.out, config.in, config.kernel, config.kernel},
                           weight_init.value_or(Init::fan_in(fan_in)));
  if (config.has_bias) {
    bias_ =
        weights.tensor("bias", {config.out}, weight_init ? Init::zeros() : Init::fan_in(fan_in));
  }
}

at::Tensor Conv2d::forward(const at::Tensor& x) const {
  return at::conv2d(x, weight_, bias_, {config_.stride, config_.stride},
                    {config_.padding, config_.padding});
}

Conv3d::Conv3d(const WeightScope& weights, const Conv3dConfig& config,
               std::optional<Init> weight_init)
    : config_(config) {
  const auto [kf, kh, kw] = config.kernel;
  const int64_t fan_in = config.in * kf * kh * kw;
  weight_ = weights.tensor("weight", {config.out, config.in, kf, kh, kw},
                           weight_init.value_or(Init::fan_in(fan_in)));
  bias_ = weights.tensor("bias", {config.out}, weight_init ? Init::zeros() : Init::fan_in(fan_in));
}

at::Tensor Conv3d::forward(const at::Tensor& x, std::array<int64_t, 3> padding) const {
  return at::conv3d(x, weight_, bias_, config_.stride, padding);
}

}  // namespace mw::nn
