// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mw/video/image.h"

namespace mw::video {

/// The image at another size: bicubic when it grows, area averages when a side shrinks. The whole
/// image is kept, so the aspect ratio may change.
Image resize(const Image& image, int width, int height);

/// The largest centred part of the image with the aspect ratio of `width` x `height`, at that size.
Image crop_and_resize(const Image& image, int width, int height);

}  // namespace mw::video
