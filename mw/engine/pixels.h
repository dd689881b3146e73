// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include "mw/video/image.h"

namespace mw::engine {

/// An image as the networks take it: [1, 3, H, W] float32 in [-1, 1].
at::Tensor to_pixels(const video::Image& image);

/// pixels: [1, 3, H, W] floating in [-1, 1]; values outside are clamped.
video::Image to_image(const at::Tensor& pixels);

}  // namespace mw::engine
