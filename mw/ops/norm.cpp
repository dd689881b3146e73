// SPDX-License-Identifier: Apache-2.0
#include "mw/ops/norm.h"

#include <ATen/ops/native_layer_norm.h>
#include <ATen/ops/rms_norm.h>

#include <tuple>

namespace mw::ops {

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  const at::Tensor normalised =
      at::rms_norm(x.to(at::kFloat), {x.size(-1)}, weight.to(at::kFloat), eps);
  return normalised.to(x.scalar_type());
}

at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      double eps) {
  const auto as_float = [](const at::Tensor& t) { return t.defined() ? t.to(at::kFloat) : t; };
  return std::get<0>(at::native_layer_norm(x.to(at::kFloat), {x.size(-1)}, as_float(weight),
                                           as_float(bias), eps))
      .to(x.scalar_type());
}

}  // namespace mw::ops
