// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "mw/video/image.h"

namespace mw::engine {

/// Whose rules turn a start image into what the networks see. They differ in sizes and filters.
enum class ImageRules {
  kWan,         ///< The original: float bicubic without antialiasing, encoders see the raw image.
  kMicroWorld,  ///< Pillow's bicubic stretch to the clip's size first, encoders see its result.
  kDiffusers,   ///< Pillow's Lanczos stretch; the image encoder sees the raw image, cropped.
  kTI2V,        ///< Wan2.2: Pillow's Lanczos to cover the size, centred.
};

/// Pixels of a clip.
struct ClipSize {
  int64_t width = 0, height = 0;

  bool operator==(const ClipSize&) const = default;
};

/// The clip's size for a start image when none is asked for: of about `area` pixels in the image's
/// aspect ratio, sides multiples of `multiple`. (Micro-World has one size and does not use this.)
ClipSize size_for_image(const video::Image& image, int64_t area, int64_t multiple,
                        ImageRules rules);

/// The image at the clip's size: [1, 3, H, W] float32 in [-1, 1].
at::Tensor start_pixels(const video::Image& image, const ClipSize& size, ImageRules rules);

/// The image as CLIP takes it: [1, 3, S, S] float32, normalised by CLIP's means and deviations.
at::Tensor clip_pixels(const video::Image& image, const ClipSize& size, int64_t clip_size,
                       ImageRules rules);

/// The video that is encoded as the condition: the start frame, grey ones, and, if defined, the
/// last frame. first, last: [1, 3, H, W]; the result is [1, 3, F, H, W].
at::Tensor condition_video(const at::Tensor& first, const at::Tensor& last, int64_t num_frames);

/// Which pixel frames of each latent frame are given: [1, 4, T, h, w], 1 = given. Channel c of
/// latent frame t stands for pixel frame max(0, 4 t + c - 3).
at::Tensor given_frames_mask(int64_t num_latent_frames, int64_t height, int64_t width,
                             bool has_last);

}  // namespace mw::engine
