// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace mw::ops {

/// How exactly the angles are computed; near t = 1000 the two differ by up to 1e-4.
enum class AnglePrecision {
  kDouble,  ///< float64, as in the original.
  kFloat,   ///< float32 step by step, as in diffusers' `get_timestep_embedding`.
};

/// `[cos(t f_k) | sin(t f_k)]` with `f_k = 10000^(-k/(dim/2))`, cosines first.
///
/// t: [...] on the 0 to 1000 scale; the result is [..., dim] float32.
/// Source: `sinusoidal_embedding_1d` in github.com/Wan-Video/Wan2.1.
at::Tensor timestep_embedding(const at::Tensor& t, int64_t dim,
                              AnglePrecision precision = AnglePrecision::kDouble);

}  // namespace mw::ops
