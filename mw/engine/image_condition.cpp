// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/image_condition.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/upsample_bicubic2d.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "mw/core/error.h"
#include "mw/models/vae/pixels.h"
#include "mw/video/resample.h"

namespace mw::engine {
namespace {

int64_t floor_to(double value, int64_t multiple) {
  return static_cast<int64_t>(value / static_cast<double>(multiple)) * multiple;
}

/// Of two ways to round a size down, width first or height first, the one nearer to the ratio.
ClipSize nearest_size(double ratio, double area, int64_t multiple) {
  const double ideal_width = std::sqrt(area * ratio);
  ClipSize by_width{.width = floor_to(ideal_width, multiple)}, by_height{};
  by_width.height = floor_to(area / static_cast<double>(by_width.width), multiple);
  by_height.height = floor_to(area / ideal_width, multiple);
  by_height.width = floor_to(area / static_cast<double>(by_height.height), multiple);
  const auto distance = [&](const ClipSize& size) {
    const double got = static_cast<double>(size.width) / static_cast<double>(size.height);
    return std::max(ratio / got, got / ratio);
  };
  return distance(by_width) < distance(by_height) ? by_width : by_height;
}

/// Enlarged or reduced until it covers the size, and cut to it around the centre.
video::Image cover(const video::Image& image, int width, int height) {
  const double scale = std::max(static_cast<double>(width) / image.width,
                                static_cast<double>(height) / image.height);
  const video::Image large =
      video::resample(image, std::max(width, static_cast<int>(std::nearbyint(image.width * scale))),
                      std::max(height, static_cast<int>(std::nearbyint(image.height * scale))),
                      video::Filter::kLanczos);
  return video::crop(large, (large.width - width) / 2, (large.height - height) / 2, width, height);
}

/// torch's bicubic, a = -0.75, without antialiasing.
at::Tensor float_bicubic(const at::Tensor& pixels, int64_t height, int64_t width) {
  return at::upsample_bicubic2d(pixels, {height, width}, /*align_corners=*/false);
}

/// The shortest side at `size`, then the centre: transformers' CLIPImageProcessor.
video::Image clip_crop(const video::Image& image, int size) {
  const auto at_scale = [&](int side, int shortest) {
    return static_cast<int>(static_cast<int64_t>(size) * side / shortest);
  };
  const int shortest = std::min(image.width, image.height);
  const video::Image scaled =
      video::resample(image, at_scale(image.width, shortest), at_scale(image.height, shortest),
                      video::Filter::kBicubic);
  return video::crop(scaled, (scaled.width - size) / 2, (scaled.height - size) / 2, size, size);
}

}  // namespace

ClipSize size_for_image(const video::Image& image, int64_t area, int64_t multiple,
                        ImageRules rules) {
  video::check_image(image, "start image");
  const auto pixels = static_cast<double>(area);
  const double aspect = static_cast<double>(image.height) / image.width;
  ClipSize size;
  if (rules == ImageRules::kTI2V) {
    size = nearest_size(1 / aspect, pixels, multiple);
  } else {
    double height = std::sqrt(pixels * aspect), width = std::sqrt(pixels / aspect);
    if (rules == ImageRules::kDiffusers) {
      height = std::nearbyint(height);
      width = std::nearbyint(width);
    }
    size = {.width = floor_to(width, multiple), .height = floor_to(height, multiple)};
  }
  MW_CHECK(size.width > 0 && size.height > 0,
           "start image: ", video::size_text(image.width, image.height),
           " is too narrow for a clip of ", area, " pixels with sides that are multiples of ",
           multiple, "; crop it or give a size");
  return size;
}

at::Tensor start_pixels(const video::Image& image, const ClipSize& size, ImageRules rules) {
  const auto width = static_cast<int>(size.width), height = static_cast<int>(size.height);
  switch (rules) {
    case ImageRules::kWan:
      return float_bicubic(vae::to_pixels(image), size.height, size.width);
    case ImageRules::kMicroWorld:
      return vae::to_pixels(video::resample(image, width, height, video::Filter::kBicubic));
    case ImageRules::kDiffusers:
      return vae::to_pixels(video::resample(image, width, height, video::Filter::kLanczos));
    case ImageRules::kTI2V:
      break;
  }
  return vae::to_pixels(cover(image, width, height));
}

at::Tensor clip_pixels(const video::Image& image, const ClipSize& size, int64_t clip_size,
                       ImageRules rules) {
  at::Tensor unit;  // [1, 3, S, S] in [0, 1], or a little outside after the float filter.
  if (rules == ImageRules::kDiffusers) {
    unit = vae::to_pixels(clip_crop(image, static_cast<int>(clip_size))).add(1).mul(0.5);
  } else {
    at::Tensor pixels = vae::to_pixels(image);
    if (rules == ImageRules::kMicroWorld) {
      const at::Tensor stretched = start_pixels(image, size, rules).add(1).mul(127.5).round();
      // The reference goes to [0, 1] and back to bytes by cutting off, which may lose a level.
      pixels = vae::to_pixels(stretched.div(255).mul(255).floor());
    }
    unit = float_bicubic(pixels, clip_size, clip_size).mul(0.5).add(0.5);
  }
  const at::Tensor mean = at::tensor({0.48145466F, 0.4578275F, 0.40821073F}).view({1, 3, 1, 1});
  const at::Tensor deviation =
      at::tensor({0.26862954F, 0.26130258F, 0.27577711F}).view({1, 3, 1, 1});
  return unit.sub(mean).div(deviation);
}

at::Tensor condition_video(const at::Tensor& first, const at::Tensor& last, int64_t num_frames) {
  const int64_t num_given = last.defined() ? 2 : 1;
  MW_CHECK(num_frames >= num_given, "condition: ", num_given,
           " given frames need a clip of as many");
  std::vector<at::Tensor> parts = {first.unsqueeze(2)};
  if (num_frames > num_given) {
    parts.push_back(
        at::zeros({1, 3, num_frames - num_given, first.size(2), first.size(3)}, first.options()));
  }
  if (last.defined()) parts.push_back(last.unsqueeze(2));
  return at::cat(parts, 2);
}

at::Tensor given_frames_mask(int64_t num_latent_frames, int64_t height, int64_t width,
                             bool has_last) {
  at::Tensor mask = at::zeros({1, 4, num_latent_frames, height, width});
  mask.select(2, 0).fill_(1);
  if (has_last) mask.select(2, num_latent_frames - 1).select(1, 3).fill_(1);
  return mask;
}

}  // namespace mw::engine
