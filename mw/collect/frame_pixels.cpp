// SPDX-License-Identifier: Apache-2.0
#include "mw/collect/frame_pixels.h"

#include <cmath>
#include <limits>

#include "mw/core/error.h"

namespace mw::collect {
namespace {

constexpr double kUnitsPerNode = 10;  // The game draws in tenths of a node.
constexpr int kDepthCell = 8;         // Drawn pixels a side.

void check_size(const RawFrame& frame, int width, int height) {
  const auto pixels = static_cast<size_t>(width) * static_cast<size_t>(height);
  MW_CHECK(
      width > 0 && height > 0 && frame.color.size() == pixels * 3 && frame.depth.size() == pixels,
      "frame of ", frame.depth.size(), " pixels is not ", width, "x", height);
}

}  // namespace

video::Image downsample(const RawFrame& frame, int width, int height) {
  check_size(frame, width, height);
  video::Image image = video::make_image(width / 2, height / 2);
  const auto stride = static_cast<size_t>(width) * 3;
  for (int y = 0; y < image.height; ++y) {
    const uint8_t* lower = frame.color.data() + static_cast<size_t>(height - 2 - 2 * y) * stride;
    const uint8_t* upper = lower + stride;
    uint8_t* out = image.rgb.data() + static_cast<size_t>(y) * static_cast<size_t>(image.width) * 3;
    for (int x = 0; x < image.width; ++x, lower += 6, upper += 6, out += 3) {
      for (int channel = 0; channel < 3; ++channel) {
        out[channel] = static_cast<uint8_t>(
            (lower[channel] + lower[channel + 3] + upper[channel] + upper[channel + 3] + 2) / 4);
      }
    }
  }
  return image;
}

double planar_depth(float buffer_value, const std::array<float, 16>& projection) {
  if (buffer_value >= 1.0F) {
    return std::numeric_limits<double>::infinity();
  }
  // clip z = m10 z + m14 and clip w = m11 z; the buffer holds (z / w + 1) / 2.
  const double device = 2.0 * buffer_value - 1.0;
  return projection[14] / (device * projection[11] - projection[10]) / kUnitsPerNode;
}

std::vector<uint8_t> inverse_depth(const RawFrame& frame, int width, int height) {
  check_size(frame, width, height);
  const int columns = width / kDepthCell;
  const int rows = height / kDepthCell;
  std::vector<double> sums(static_cast<size_t>(columns) * static_cast<size_t>(rows), 0);
  for (int y = 0; y < rows * kDepthCell; ++y) {
    const float* line =
        frame.depth.data() + static_cast<size_t>(height - 1 - y) * static_cast<size_t>(width);
    double* out = sums.data() + static_cast<size_t>(y / kDepthCell) * static_cast<size_t>(columns);
    for (int x = 0; x < columns * kDepthCell; ++x) {
      const double depth = planar_depth(line[x], frame.projection);
      out[x / kDepthCell] += depth > 0 ? std::sqrt(std::min(1.0, 1.0 / depth)) : 1.0;
    }
  }
  std::vector<uint8_t> bytes;
  bytes.reserve(sums.size());
  for (const double sum : sums) {
    bytes.push_back(static_cast<uint8_t>(std::lround(255.0 * sum / (kDepthCell * kDepthCell))));
  }
  return bytes;
}

double mean_brightness(const video::Image& image) {
  double sum = 0;
  for (const uint8_t value : image.rgb) {
    sum += value;
  }
  return sum / static_cast<double>(image.rgb.size());
}

}  // namespace mw::collect
