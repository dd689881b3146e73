// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace mw::ops {

/// `[cos(t f_k) | sin(t f_k)]` with `f_k = 10000^(-k/(dim/2))`, cosines first.
///
/// t: [...] on the 0 to 1000 scale; the result is [..., dim] float32, computed in float64.
/// Source: `sinusoidal_embedding_1d` in github.com/Wan-Video/Wan2.1.
at::Tensor timestep_embedding(const at::Tensor& t, int64_t dim);

}  // namespace mw::ops
