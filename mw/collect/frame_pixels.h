// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "mw/collect/game.h"
#include "mw/video/image.h"

namespace mw::collect {

/// The frame at half its size, each pixel the mean of 2 x 2: less shimmer than drawing it small.
video::Image downsample(const RawFrame& frame, int width, int height);

/// Planar depth in nodes of a value of the depth buffer, by the projection it was drawn with.
/// Infinite for the sky, which the game draws without depth.
double planar_depth(float buffer_value, const std::array<float, 16>& projection);

/// round(255 * mean of sqrt(min(1, 1/z))) over 8 x 8 drawn pixels, which are 4 x 4 recorded ones:
/// [height/8, width/8] of the drawn size, top row first; the sky is 0.
std::vector<uint8_t> inverse_depth(const RawFrame& frame, int width, int height);

/// Mean of all bytes.
double mean_brightness(const video::Image& image);

}  // namespace mw::collect
