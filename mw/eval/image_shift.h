// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mw/video/image.h"

namespace mw::eval {

/// A rectangle of an image, in pixels.
struct Region {
  int x = 0, y = 0, width = 0, height = 0;
};

/// How far a picture moved, in pixels: x to the right, y down.
struct Shift {
  double x = 0, y = 0;
};

/// The global shift that takes `before` to `after` within a region, by phase correlation of the
/// brightness under a Hann window, refined to fractions of a pixel. Equal pictures give zero.
/// Throws Error kInvalidArgument when sizes differ or the region does not lie in them.
/// Source: Kuglin and Hines, "The phase correlation image alignment method", 1975.
Shift image_shift(const video::Image& before, const video::Image& after, const Region& region);

/// The whole image.
Region whole(const video::Image& image);

}  // namespace mw::eval
