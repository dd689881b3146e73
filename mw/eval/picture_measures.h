// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mw/video/image.h"

namespace mw::eval {

/// How far a picture's content moved, in pixels: x to the right, y downwards.
struct Shift {
  double x = 0;
  double y = 0;
};

/// The global shift of content from one picture to the next, by phase correlation of their
/// luminance under a Hann window; whole pixels, refined by a parabola through the peak. Turning
/// right moves content to the left, looking down moves it up. Zero for equal pictures.
/// Throws Error kInvalidArgument for pictures of different sizes.
/// Source: Kuglin and Hines, "The phase correlation image alignment method" (1975).
Shift picture_shift(const video::Image& before, const video::Image& after);

/// PSNR in dB and SSIM of two pictures of one size; see ops::psnr and ops::ssim.
double picture_psnr(const video::Image& a, const video::Image& b);
double picture_ssim(const video::Image& a, const video::Image& b);

}  // namespace mw::eval
