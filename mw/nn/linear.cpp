// SPDX-License-Identifier: Apache-2.0
#include "mw/nn/linear.h"

#include <ATen/autocast_mode.h>
#include <ATen/ops/linear.h>

namespace mw::nn {

Linear::Linear(const WeightScope& weights, int64_t in, int64_t out, bool has_bias,
               std::optional<Init> weight_init)
    : weight_(weights.tensor("weight", {out, in}, weight_init.value_or(Init::fan_in(in)))) {
  if (has_bias) {
    bias_ = weights.tensor("bias", {out}, weight_init ? Init::zeros() : Init::fan_in(in));
  }
}

at::Tensor Linear::forward(const at::Tensor& x) const { return at::linear(x, weight_, bias_); }

at::ScalarType Linear::compute_dtype() const {
  const at::DeviceType device = weight_.device().type();
  return at::autocast::is_autocast_enabled(device) ? at::autocast::get_autocast_dtype(device)
                                                   : weight_.scalar_type();
}

}  // namespace mw::nn
