// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mw/video/image.h"

namespace mw::video {

/// Kernels of `resample`, as Pillow names them.
enum class Filter {
  kBicubic,  ///< Support 2, a = -0.5.
  kLanczos,  ///< Support 3.
};

/// The image at another size, to the bit as Pillow's `Image.resize` makes it: what pictures went
/// through before they reached the reference models. The whole image is kept, so the aspect ratio
/// may change; where a side shrinks the kernel is widened (antialiased). Rows come first, as in
/// Pillow up to 12; later ones begin with columns where the width grows and the height shrinks, and
/// there some values differ by one.
/// Throws Error kInvalidArgument for sizes that `make_image` refuses.
/// Source: `Resample.c` of github.com/python-pillow/Pillow.
Image resample(const Image& image, int width, int height, Filter filter);

/// The part of that size whose upper left corner is at (left, top). Throws Error kInvalidArgument
/// unless it lies inside.
Image crop(const Image& image, int left, int top, int width, int height);

}  // namespace mw::video
