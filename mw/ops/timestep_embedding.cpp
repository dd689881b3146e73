// SPDX-License-Identifier: Apache-2.0
#include "mw/ops/timestep_embedding.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/pow.h>

#include <cmath>

namespace mw::ops {

at::Tensor timestep_embedding(const at::Tensor& t, int64_t dim, AnglePrecision precision) {
  const int64_t half = dim / 2;
  const auto count = static_cast<double>(half);
  at::Tensor frequencies;
  if (precision == AnglePrecision::kDouble) {
    const at::Tensor k = at::arange(half, t.options().dtype(at::kDouble));
    frequencies = at::pow(10000, k.mul(-1 / count));
  } else {
    const at::Tensor k = at::arange(half, t.options().dtype(at::kFloat));
    frequencies = k.mul(-std::log(10000.0)).div(count).exp();
  }
  const at::Tensor angles = t.to(frequencies.scalar_type()).unsqueeze(-1).mul(frequencies);
  return at::cat({angles.cos(), angles.sin()}, -1).to(at::kFloat);
}

}  // namespace mw::ops
