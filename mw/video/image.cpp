// SPDX-License-Identifier: Apache-2.0
#include "mw/video/image.h"

#include "mw/core/error.h"

namespace mw::video {
namespace {

constexpr int kMaxSide = 32768;

void check_sides(int width, int height, const std::string& where) {
  MW_CHECK(width >= 1 && height >= 1 && width <= kMaxSide && height <= kMaxSide, where,
           ": sides must be 1 to ", kMaxSide, " pixels, got ", size_text(width, height));
}

size_t num_bytes(int width, int height) {
  return size_t{3} * static_cast<size_t>(width) * static_cast<size_t>(height);
}

}  // namespace

Image make_image(int width, int height) {
  check_sides(width, height, "image");
  return {width, height, std::vector<uint8_t>(num_bytes(width, height))};
}

void check_image(const Image& image, const std::string& where) {
  check_sides(image.width, image.height, where);
  MW_CHECK(image.rgb.size() == num_bytes(image.width, image.height), where, ": ",
           size_text(image.width, image.height), " wants ", num_bytes(image.width, image.height),
           " RGB bytes, got ", image.rgb.size());
}

std::string size_text(int width, int height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

}  // namespace mw::video
