// SPDX-License-Identifier: Apache-2.0
#include "mw/ops/timestep_embedding.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/pow.h>

namespace mw::ops {

at::Tensor timestep_embedding(const at::Tensor& t, int64_t dim) {
  const int64_t half = dim / 2;
  const at::Tensor exponent =
      at::arange(half, at::TensorOptions(at::kDouble)).mul(-1.0 / static_cast<double>(half));
  const at::Tensor angles = t.to(at::kDouble).unsqueeze(-1).mul(at::pow(10000, exponent));
  return at::cat({angles.cos(), angles.sin()}, -1).to(at::kFloat);
}

}  // namespace mw::ops
