// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

namespace mw::ops {

/// Peak signal-to-noise ratio of each picture in dB: `10 log10(1 / mean squared error)`, at most
/// 100 dB, for equal pictures.
///
/// a, b: [N, C, H, W] in [0, 1], any floating dtype; the result is [N] float64.
at::Tensor psnr(const at::Tensor& a, const at::Tensor& b);

/// Structural similarity of each picture, 1 for equal ones: an 11x11 Gaussian window of deviation
/// 1.5, each channel by itself, over the positions where the window fits whole.
///
/// a, b: [N, C, H, W] in [0, 1], H and W at least 11; the result is [N] float64.
/// Source: Wang et al., "Image quality assessment: from error visibility to structural similarity",
/// IEEE Transactions on Image Processing 13(4), 2004, with K1 = 0.01, K2 = 0.03.
at::Tensor ssim(const at::Tensor& a, const at::Tensor& b);

}  // namespace mw::ops
