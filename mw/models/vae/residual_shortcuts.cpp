// SPDX-License-Identifier: Apache-2.0
#include "mw/models/vae/residual_shortcuts.h"

#include <ATen/ops/constant_pad_nd.h>

namespace mw::vae {
namespace {

constexpr int64_t kFrames = 2;  // The axis of frames.

}  // namespace

at::Tensor average_down(const at::Tensor& x, const LevelResize& resize) {
  const int64_t missing = (resize.frames - x.size(kFrames) % resize.frames) % resize.frames;
  const at::Tensor whole = at::constant_pad_nd(x, {0, 0, 0, 0, missing, 0});
  // [B, C, F, f, H, p, W, p] -> [B, C f p p, F, H, W].
  return whole.unflatten(4, {-1, resize.pixels})
      .unflatten(3, {-1, resize.pixels})
      .unflatten(kFrames, {-1, resize.frames})
      .permute({0, 1, 3, 5, 7, 2, 4, 6})
      .flatten(1, 4)
      .unflatten(1, {resize.out_channels, -1})
      .mean(2);
}

at::Tensor duplicate_up(const at::Tensor& x, const LevelResize& resize, bool is_first_chunk) {
  const int64_t block = resize.frames * resize.pixels * resize.pixels;
  const int64_t repeats = resize.out_channels * block / x.size(1);
  const at::Tensor blocks =
      x.repeat_interleave(repeats, 1)
          .unflatten(1, {resize.out_channels, resize.frames, resize.pixels, resize.pixels});
  // [B, C, f, p, p, F, H, W] -> [B, C, F f, H p, W p].
  const at::Tensor larger =
      blocks.permute({0, 1, 5, 2, 6, 3, 7, 4}).flatten(6, 7).flatten(4, 5).flatten(kFrames, 3);
  const int64_t dropped = is_first_chunk ? resize.frames - 1 : 0;
  return larger.narrow(kFrames, dropped, larger.size(kFrames) - dropped);
}

at::Tensor patchify(const at::Tensor& video, int64_t p) {
  if (p == 1) return video;
  // [B, C, F, H, row, W, column] -> [B, C, column, row, F, H, W].
  return video.unflatten(4, {-1, p})
      .unflatten(3, {-1, p})
      .permute({0, 1, 6, 4, 2, 3, 5})
      .flatten(1, 3);
}

at::Tensor unpatchify(const at::Tensor& patches, int64_t p) {
  if (p == 1) return patches;
  return patches
      .unflatten(1, {-1, p, p})  // [B, C, column, row, F, H, W]
      .permute({0, 1, 4, 5, 3, 6, 2})
      .flatten(5, 6)
      .flatten(3, 4);
}

}  // namespace mw::vae
