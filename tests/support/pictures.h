// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <random>

#include "mw/video/image.h"

namespace mw::test {

/// Slow colour waves that move with `time`: every channel varies, no edge is sharp.
inline video::Image smooth_picture(int width, int height, double time) {
  video::Image image = video::make_image(width, height);
  size_t i = 0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double u = 6.0 * x / width, v = 6.0 * y / height;
      image.rgb[i++] = static_cast<uint8_t>(128 + 100 * std::sin(u + time));
      image.rgb[i++] = static_cast<uint8_t>(128 + 100 * std::sin(v - time));
      image.rgb[i++] = static_cast<uint8_t>(128 + 100 * std::cos(u + v + 2 * time));
    }
  }
  return image;
}

/// Every byte drawn on its own.
inline video::Image noise_picture(int width, int height, uint32_t seed) {
  video::Image image = video::make_image(width, height);
  std::mt19937 random(seed);
  for (uint8_t& byte : image.rgb) byte = static_cast<uint8_t>(random());
  return image;
}

/// Peak signal-to-noise ratio in dB of two images of one size; infinite when equal.
inline double psnr(const video::Image& a, const video::Image& b) {
  double sum = 0;
  for (size_t i = 0; i < a.rgb.size(); ++i) {
    const double d = static_cast<double>(a.rgb[i]) - b.rgb[i];
    sum += d * d;
  }
  return 10 * std::log10(255.0 * 255.0 * static_cast<double>(a.rgb.size()) / sum);
}

}  // namespace mw::test
