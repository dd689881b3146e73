// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

namespace mw::train {

/// The matrix nearest to `matrix` with all singular values about 1, by five quintic
/// Newton-Schulz iterations: in float32, or in bfloat16 from 128 rows and columns on.
///
/// matrix: [R, C] float; the result has its shape. Singular values end within about 0.7 to 1.2.
/// Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024).
at::Tensor orthogonalised(const at::Tensor& matrix);

}  // namespace mw::train
