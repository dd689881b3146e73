// SPDX-License-Identifier: Apache-2.0
#include "mw/ops/picture_quality.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/conv2d.h>

#include "mw/core/error.h"

namespace mw::ops {
namespace {

constexpr int64_t kWindow = 11;
constexpr double kDeviation = 1.5;

void check(const at::Tensor& a, const at::Tensor& b, int64_t smallest, const char* what) {
  MW_CHECK(a.dim() == 4 && a.sizes() == b.sizes() && a.size(2) >= smallest && a.size(3) >= smallest,
           what, ": pictures must be two equal [N, C, H, W] with sides of at least ", smallest,
           ", got ", a.sizes(), " and ", b.sizes());
}

}  // namespace

at::Tensor psnr(const at::Tensor& a, const at::Tensor& b) {
  check(a, b, 1, "psnr");
  const at::Tensor error = a.to(at::kDouble).sub(b.to(at::kDouble)).pow(2).mean({1, 2, 3});
  return error.clamp_min(1e-10).log10().mul(-10);
}

at::Tensor ssim(const at::Tensor& a, const at::Tensor& b) {
  check(a, b, kWindow, "ssim");
  // Channels become pictures of their own; variances are differences of close numbers, so double.
  const auto planes = [](const at::Tensor& x) {
    return x.to(at::kDouble).flatten(0, 1).unsqueeze(1);
  };
  const at::Tensor x = planes(a), y = planes(b);  // [N*C, 1, H, W]
  const at::Tensor offset = at::arange(kWindow, x.options()).sub(kWindow / 2);
  const at::Tensor bell = offset.pow(2).div(-2 * kDeviation * kDeviation).exp();
  const at::Tensor kernel = bell.div(bell.sum());
  const auto blur = [&](const at::Tensor& plane) {  // Separable: rows, then columns.
    return at::conv2d(at::conv2d(plane, kernel.view({1, 1, kWindow, 1})),
                      kernel.view({1, 1, 1, kWindow}));
  };
  const at::Tensor mean_x = blur(x), mean_y = blur(y), mean_xy = mean_x.mul(mean_y);
  const at::Tensor square_means = mean_x.pow(2).add(mean_y.pow(2));
  const at::Tensor variances = blur(x.pow(2).add(y.pow(2))).sub(square_means);
  const at::Tensor covariance = blur(x.mul(y)).sub(mean_xy);
  constexpr double kC1 = 0.01 * 0.01, kC2 = 0.03 * 0.03;
  const at::Tensor similarity = mean_xy.mul(2)
                                    .add(kC1)
                                    .mul(covariance.mul(2).add(kC2))
                                    .div(square_means.add(kC1).mul(variances.add(kC2)));
  return similarity.view({a.size(0), -1}).mean(1);
}

}  // namespace mw::ops
