// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

namespace mw::ops {

/// A weight matrix in 8 bits: `weight[o][i] = values[o][i] * scales[o]`.
struct Int8Weight {
  at::Tensor values;  ///< [out, in] int8, in [-127, 127].
  at::Tensor scales;  ///< [out] float32.
};

/// The nearest such matrix with one scale for each output: its largest magnitude becomes 127.
/// weight: [out, in] floating, on a CPU.
Int8Weight quantize_int8(const at::Tensor& weight);

/// values * scales, float32.
at::Tensor dequantized(const Int8Weight& weight);

/// `x W^T + bias` with x in 8 bits too: each of its rows is rounded by a scale of its own, the
/// products are summed as integers and scaled back in float32.
///
/// x: [..., in] float32 or bfloat16; the result has its dtype. bias: [out] floating, or undefined.
/// On a CPU the product is libtorch's `_int_mm`, which uses VNNI or AMX where the processor has it.
at::Tensor int8_linear(const at::Tensor& x, const Int8Weight& weight, const at::Tensor& bias);

/// The same by plain operations on any device, and its specification.
at::Tensor int8_linear_composed(const at::Tensor& x, const Int8Weight& weight,
                                const at::Tensor& bias);

}  // namespace mw::ops
