// SPDX-License-Identifier: Apache-2.0
#include "mw/eval/picture_measures.h"

#include <ATen/ops/fft_irfft2.h>
#include <ATen/ops/fft_rfft2.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/hann_window.h>

#include <cmath>

#include "mw/core/error.h"
#include "mw/ops/picture_quality.h"

namespace mw::eval {
namespace {

/// [1, 3, H, W] float64 in [0, 1].
at::Tensor tensor_of(const video::Image& image) {
  return at::from_blob(const_cast<uint8_t*>(image.rgb.data()), {1, image.height, image.width, 3},
                       at::TensorOptions(at::kByte))
      .permute({0, 3, 1, 2})
      .to(at::kDouble)
      .div(255);
}

void check_pair(const video::Image& a, const video::Image& b) {
  video::check_image(a, "eval");
  video::check_image(b, "eval");
  MW_CHECK(a.width == b.width && a.height == b.height, "eval: pictures of ",
           video::size_text(a.width, a.height), " and ", video::size_text(b.width, b.height),
           " can't be compared");
}

/// Where between -0.5 and 0.5 the parabola through three neighbours peaks.
double peak_offset(double left, double middle, double right) {
  const double curvature = left - 2 * middle + right;
  return std::abs(curvature) < 1e-12 ? 0 : 0.5 * (left - right) / curvature;
}

}  // namespace

Shift picture_shift(const video::Image& before, const video::Image& after) {
  check_pair(before, after);
  if (before == after) return {};
  const int64_t height = before.height, width = before.width;
  const auto options = at::TensorOptions(at::kDouble);
  const at::Tensor window = at::hann_window(height, options)
                                .unsqueeze(1)
                                .mul(at::hann_window(width, options).unsqueeze(0));
  const auto spectrum = [&](const video::Image& image) {
    const at::Tensor grey = tensor_of(image).mean(1)[0];  // [H, W]
    return at::fft_rfft2(grey.sub(grey.mean()).mul(window));
  };
  const at::Tensor cross = spectrum(after).mul(spectrum(before).conj());
  const at::Tensor surface =
      at::fft_irfft2(cross.div(cross.abs().add(1e-9)), at::IntArrayRef{height, width}).contiguous();
  const double* values = surface.const_data_ptr<double>();
  const auto value_at = [&](int64_t y, int64_t x) {
    return values[(y + height) % height * width + (x + width) % width];
  };
  const int64_t peak = surface.argmax().item<int64_t>();
  const int64_t y = peak / width, x = peak % width;
  const auto wrapped = [](int64_t place, int64_t size) {
    return static_cast<double>(place > size / 2 ? place - size : place);
  };
  return {wrapped(x, width) + peak_offset(value_at(y, x - 1), value_at(y, x), value_at(y, x + 1)),
          wrapped(y, height) + peak_offset(value_at(y - 1, x), value_at(y, x), value_at(y + 1, x))};
}

double picture_psnr(const video::Image& a, const video::Image& b) {
  check_pair(a, b);
  return ops::psnr(tensor_of(a), tensor_of(b)).item<double>();
}

double picture_ssim(const video::Image& a, const video::Image& b) {
  check_pair(a, b);
  return ops::ssim(tensor_of(a), tensor_of(b)).item<double>();
}

}  // namespace mw::eval
