// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

namespace mw::ops {

/// Root-mean-square norm over the last axis: `x * rsqrt(mean(x^2) + eps) * weight`.
///
/// x: [..., C] floating; weight: [C]. Computed in float32, returned in the dtype of `x`.
/// Source: arXiv:1910.07467.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);

/// Layer norm over the last axis; `weight` and `bias` [C] may both be undefined (no affine part).
///
/// x: [..., C] floating. Computed in float32, returned in the dtype of `x`.
at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      double eps);

}  // namespace mw::ops
