// SPDX-License-Identifier: Apache-2.0
#include "mw/nn/norm.h"

#include "mw/ops/norm.h"

namespace mw::nn {

RMSNorm::RMSNorm(const WeightScope& weights, int64_t dim, double eps)
    : eps_(eps), weight_(weights.tensor("weight", {dim}, Init::ones())) {}

at::Tensor RMSNorm::forward(const at::Tensor& x) const { return ops::rms_norm(x, weight_, eps_); }

LayerNorm::LayerNorm(const WeightScope& weights, int64_t dim, double eps, bool is_affine)
    : eps_(eps) {
  if (is_affine) {
    weight_ = weights.tensor("weight", {dim}, Init::ones());
    bias_ = weights.tensor("bias", {dim}, Init::zeros());
  }
}

at::Tensor LayerNorm::forward(const at::Tensor& x) const {
  return ops::layer_norm(x, weight_, bias_, eps_);
}

}  // namespace mw::nn
