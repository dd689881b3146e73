// SPDX-License-Identifier: Apache-2.0
#include "mw/diffusion/guidance.h"

namespace mw::diffusion {

bool GuidanceConfig::is_on_at(int64_t index, int64_t num_steps) const {
  if (!is_on()) return false;
  if (skip_ratio <= 0) return true;
  return static_cast<double>(index) < static_cast<double>(num_steps) * (1 - skip_ratio);
}

at::Tensor guided_velocity(const at::Tensor& positive, const at::Tensor& negative, double scale) {
  return negative.add(positive.sub(negative), scale);
}

}  // namespace mw::diffusion
