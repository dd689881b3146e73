// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "mw/ops/rope.h"

namespace mw::ops {

// The kernels of the plug-in libmw_gpu.so (gpu/mw_gpu.h), which lies beside the program or where
// MW_GPU_PLUGIN says. Each function takes what the operation of that name takes, and gives an
// undefined tensor where the plug-in can't be used: the composition is then the answer.

at::Tensor gpu_rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);
at::Tensor gpu_modulated_norm(const at::Tensor& x, const at::Tensor& shift, const at::Tensor& scale,
                              int64_t frame_tokens, double eps, at::ScalarType dtype);
at::Tensor gpu_gated_add(const at::Tensor& x, const at::Tensor& y, const at::Tensor& gate,
                         int64_t frame_tokens);

/// x: [B, L, C]; turns: [L, D] float32, cosine and sine of each pair interleaved.
at::Tensor gpu_rms_norm_rope(const at::Tensor& x, const at::Tensor& weight, double eps,
                             const at::Tensor& turns);

/// "CUDA", "HIP", or why there is no plug-in, for `mw bench` and people.
std::string gpu_plugin_status();

}  // namespace mw::ops
