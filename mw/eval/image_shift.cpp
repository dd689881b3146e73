// SPDX-License-Identifier: Apache-2.0
#include "mw/eval/image_shift.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/fft_irfft2.h>
#include <ATen/ops/fft_rfft2.h>
#include <ATen/ops/hann_window.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "mw/core/error.h"

namespace mw::eval {
namespace {

/// Brightness of the region, without its mean, fading to zero at the edges: [H, W] float32.
at::Tensor brightness(const video::Image& image, const Region& region) {
  const at::Tensor values = at::empty({region.height, region.width});
  float* out = values.data_ptr<float>();
  for (int y = region.y; y < region.y + region.height; ++y) {
    for (int x = region.x; x < region.x + region.width; ++x) {
      const auto at_pixel =
          3 * (static_cast<size_t>(y) * static_cast<size_t>(image.width) + static_cast<size_t>(x));
      const uint8_t* rgb = image.rgb.data() + at_pixel;
      *out++ = 0.299F * rgb[0] + 0.587F * rgb[1] + 0.114F * rgb[2];
    }
  }
  const at::Tensor window =
      at::hann_window(region.height).unsqueeze(1).mul(at::hann_window(region.width));
  return values.sub(values.mean()).mul(window);
}

/// Where between its neighbours a parabola through three values has its top, in [-0.5, 0.5].
double top_offset(double left, double middle, double right) {
  const double curvature = left - 2 * middle + right;
  return curvature >= 0 ? 0 : std::clamp(0.5 * (left - right) / curvature, -0.5, 0.5);
}

}  // namespace

Region whole(const video::Image& image) { return {0, 0, image.width, image.height}; }

Shift image_shift(const video::Image& before, const video::Image& after, const Region& region) {
  MW_CHECK(before.width == after.width && before.height == after.height,
           "image_shift: ", video::size_text(before.width, before.height), " against ",
           video::size_text(after.width, after.height));
  MW_CHECK(region.x >= 0 && region.y >= 0 && region.width >= 8 && region.height >= 8 &&
               region.x + region.width <= before.width && region.y + region.height <= before.height,
           "image_shift: the region does not lie in the image, or is smaller than 8x8");
  const at::NoGradGuard no_grad;
  const at::Tensor a = at::fft_rfft2(brightness(before, region));
  const at::Tensor b = at::fft_rfft2(brightness(after, region));
  const at::Tensor cross = a.conj().mul(b);
  // Frequencies without energy carry no phase; a floor on the magnitude keeps their noise out.
  const at::Tensor magnitude = cross.abs();
  const double floor = 1e-3 * magnitude.max().item<double>() + 1e-12;
  const at::Tensor peaks =
      at::fft_irfft2(cross.div(magnitude.add(floor)), {{region.height, region.width}}).contiguous();
  const float* values = peaks.const_data_ptr<float>();
  const int64_t best = peaks.argmax().item<int64_t>();
  const int64_t rows = region.height, columns = region.width;
  const int64_t y = best / columns, x = best % columns;
  const auto value = [&](int64_t row, int64_t column) {
    return static_cast<double>(
        values[((row + rows) % rows) * columns + (column + columns) % columns]);
  };
  const double middle = value(y, x);
  const double fine_x = top_offset(value(y, x - 1), middle, value(y, x + 1));
  const double fine_y = top_offset(value(y - 1, x), middle, value(y + 1, x));
  return {static_cast<double>(x > columns / 2 ? x - columns : x) + fine_x,
          static_cast<double>(y > rows / 2 ? y - rows : y) + fine_y};
}

}  // namespace mw::eval
