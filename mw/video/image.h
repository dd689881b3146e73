// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mw::video {

/// One frame: rows from the top, [H, W, 3] RGB bytes (sRGB, full range).
struct Image {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgb;

  bool operator==(const Image&) const = default;
};

/// Black of that size. Throws Error kInvalidArgument below 1x1 or above 32768 a side.
Image make_image(int width, int height);

/// Throws Error kInvalidArgument, opening with `where`, unless the sizes are sane and `rgb` has
/// 3 * width * height bytes.
void check_image(const Image& image, const std::string& where);

/// "176x96", for messages.
std::string size_text(int width, int height);

}  // namespace mw::video
