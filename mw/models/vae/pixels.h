// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include "mw/video/image.h"

namespace mw::vae {

/// Bytes of any shape as autoencoders take them: 0 to 255 become float32 -1 to 1.
at::Tensor to_pixels(const at::Tensor& bytes);

/// An image likewise: [1, 3, H, W].
at::Tensor to_pixels(const video::Image& image);

/// pixels: [1, 3, H, W] floating in [-1, 1]; values outside are clamped.
video::Image to_image(const at::Tensor& pixels);

}  // namespace mw::vae
