// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace mw::ops {

/// `layer_norm(x) * (1 + scale) + shift` with one shift and scale per latent frame.
///
/// x: [B, F*S, C]; shift, scale: [B, F or 1, C] float32. Computed in float32, returned in `dtype`.
at::Tensor modulated_norm(const at::Tensor& x, const at::Tensor& shift, const at::Tensor& scale,
                          int64_t frame_tokens, double eps, at::ScalarType dtype);

/// `x + y * gate` with one gate per latent frame; in float32, returned in the dtype of `x`.
at::Tensor gated_add(const at::Tensor& x, const at::Tensor& y, const at::Tensor& gate,
                     int64_t frame_tokens);

}  // namespace mw::ops
