// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace mw::diffusion {

/// Classifier-free guidance over the steps of a sampler. Source: arXiv:2207.12598.
struct GuidanceConfig {
  double scale = 1;       ///< Weight of the prompt over the negative prompt; 1 or less = off.
  double skip_ratio = 0;  ///< Part of the steps, at the end, that go without guidance; 0 to 1.

  bool is_on() const { return scale > 1; }
  /// Whether step `index` of `num_steps` needs the negative prompt's velocity.
  bool is_on_at(int64_t index, int64_t num_steps) const;
};

/// `negative + scale (positive - negative)`, for velocities of one shape.
at::Tensor guided_velocity(const at::Tensor& positive, const at::Tensor& negative, double scale);

}  // namespace mw::diffusion
