// SPDX-License-Identifier: Apache-2.0
#include "mw/video/resample.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "mw/core/error.h"

namespace mw::video {
namespace {

// Weights are whole numbers of this many fractional bits, so that sums of 8-bit values fit.
constexpr int kPrecisionBits = 32 - 8 - 2;

double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

double sinc(double x) {
  if (x == 0) return 1;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double lanczos(double x) { return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0; }

/// The source pixels that make one target pixel, and their weights.
struct Taps {
  int first = 0;
  std::vector<int32_t> weights;
};

std::vector<Taps> make_taps(int size_in, int size_out, Filter filter) {
  const double scale = static_cast<double>(size_in) / size_out;
  const double widening = std::max(scale, 1.0);
  const double support = (filter == Filter::kLanczos ? 3.0 : 2.0) * widening;
  std::vector<Taps> all;
  for (int target = 0; target < size_out; ++target) {
    const double center = (target + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(center - support + 0.5));
    const int end = std::min(size_in, static_cast<int>(center + support + 0.5));
    std::vector<double> weights;
    double sum = 0;
    for (int x = first; x < end; ++x) {
      const double place = (x - center + 0.5) * (1.0 / widening);
      weights.push_back(filter == Filter::kLanczos ? lanczos(place) : bicubic(place));
      sum += weights.back();
    }
    Taps taps{.first = first, .weights = {}};
    for (const double weight : weights) {
      const double scaled = (sum != 0 ? weight / sum : weight) * (1 << kPrecisionBits);
      taps.weights.push_back(static_cast<int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5));
    }
    all.push_back(std::move(taps));
  }
  return all;
}

/// One channel of one target pixel: `from` is the first source value, `stride` bytes apart.
uint8_t weighted(const uint8_t* from, size_t stride, const std::vector<int32_t>& weights) {
  int32_t sum = 1 << (kPrecisionBits - 1);
  for (const int32_t weight : weights) {
    sum += *from * weight;
    from += stride;
  }
  return static_cast<uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255));
}

Image resample_rows(const Image& image, int width, Filter filter) {
  Image out = make_image(width, image.height);
  const std::vector<Taps> taps = make_taps(image.width, width, filter);
  uint8_t* to = out.rgb.data();
  for (int y = 0; y < image.height; ++y) {
    const uint8_t* row = image.rgb.data() + 3 * static_cast<ptrdiff_t>(y) * image.width;
    for (const Taps& t : taps) {
      for (int c = 0; c < 3; ++c) *to++ = weighted(row + 3 * t.first + c, 3, t.weights);
    }
  }
  return out;
}

Image resample_columns(const Image& image, int height, Filter filter) {
  Image out = make_image(image.width, height);
  const size_t stride = 3 * static_cast<size_t>(image.width);
  uint8_t* to = out.rgb.data();
  for (const Taps& t : make_taps(image.height, height, filter)) {
    const uint8_t* first = image.rgb.data() + stride * static_cast<size_t>(t.first);
    for (size_t x = 0; x < stride; ++x) *to++ = weighted(first + x, stride, t.weights);
  }
  return out;
}

}  // namespace

Image resample(const Image& image, int width, int height, Filter filter) {
  check_image(image, "resample");
  make_image(width, height);  // Refuses impossible sizes before any work.
  const Image rows = width == image.width ? image : resample_rows(image, width, filter);
  return height == image.height ? rows : resample_columns(rows, height, filter);
}

Image crop(const Image& image, int left, int top, int width, int height) {
  check_image(image, "crop");
  MW_CHECK(left >= 0 && top >= 0 && width >= 1 && height >= 1 && left <= image.width - width &&
               top <= image.height - height,
           "crop: ", size_text(width, height), " at (", left, ", ", top, ") is not inside ",
           size_text(image.width, image.height));
  Image out = make_image(width, height);
  for (int y = 0; y < height; ++y) {
    const auto* from =
        image.rgb.data() + 3 * ((static_cast<ptrdiff_t>(top) + y) * image.width + left);
    std::copy_n(from, 3 * static_cast<ptrdiff_t>(width),
                out.rgb.data() + 3 * static_cast<ptrdiff_t>(y) * width);
  }
  return out;
}

}  // namespace mw::video
