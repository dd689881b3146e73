// SPDX-License-Identifier: Apache-2.0
#include "mw/nn/linear.h"

#include <ATen/autocast_mode.h>
#include <ATen/ops/linear.h>
#include <c10/core/DispatchKeySet.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include "mw/core/error.h"
#include "mw/ops/int8_linear.h"

namespace mw::nn {

Linear::Linear(const WeightScope& weights, int64_t in, int64_t out, bool has_bias,
               std::optional<Init> weight_init)
    : weight_(weights.tensor("weight", {out, in}, weight_init.value_or(Init::fan_in(in)))),
      branches_(weights.branches(out, in)) {
  if (has_bias) {
    bias_ = weights.tensor("bias", {out}, weight_init ? Init::zeros() : Init::fan_in(in));
  }
  if (weight_.scalar_type() == at::kChar) {
    weight_scale_ = weights.tensor("weight_scale", {out}, Init::ones());
    if (weight_scale_.scalar_type() != at::kFloat) {
      throw Error(ErrorCode::kWeights, "weights: the scales of an int8 matrix must be float32");
    }
  }
  const at::TensorOptions options = weight_.options().dtype(stored_dtype());
  for (LowRankBranch& branch : branches_) {
    branch.down = branch.down.to(options);
    branch.up = branch.up.to(options);
  }
}

at::Tensor Linear::forward(const at::Tensor& x) const {
  at::Tensor y = is_int8() ? ops::int8_linear(x, {weight_, weight_scale_}, bias_)
                           : at::linear(x, weight_, bias_);
  for (const LowRankBranch& branch : branches_) {
    y = y.add(at::linear(at::linear(x, branch.down), branch.up), branch.scale);
  }
  return y;
}

at::Tensor Linear::forward_in_float(const at::Tensor& x) const {
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  const at::Tensor bias = bias_.defined() ? bias_.to(at::kFloat) : bias_;
  const at::Tensor weight =
      is_int8() ? ops::dequantized({weight_, weight_scale_}) : weight_.to(at::kFloat);
  at::Tensor y = at::linear(x, weight, bias);
  for (const LowRankBranch& branch : branches_) {
    const at::Tensor inner = at::linear(x, branch.down.to(at::kFloat));
    y = y.add(at::linear(inner, branch.up.to(at::kFloat)), branch.scale);
  }
  return y;
}

at::ScalarType Linear::stored_dtype() const {
  if (!is_int8()) return weight_.scalar_type();
  return bias_.defined() ? bias_.scalar_type() : at::kBFloat16;
}

at::ScalarType Linear::compute_dtype() const {
  const at::DeviceType device = weight_.device().type();
  return at::autocast::is_autocast_enabled(device) ? at::autocast::get_autocast_dtype(device)
                                                   : stored_dtype();
}

}  // namespace mw::nn
