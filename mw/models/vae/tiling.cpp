// SPDX-License-Identifier: Apache-2.0
#include "mw/models/vae/tiling.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace mw::vae {
namespace {

constexpr int64_t kRows = 3, kColumns = 4;  // Axes of [B, C, F, H, W].

/// Fades the end of `before` into the beginning of `tile`, which is changed.
void fade_in(const at::Tensor& before, at::Tensor& tile, int64_t axis, int64_t overlap) {
  const int64_t extent = std::min({before.size(axis), tile.size(axis), overlap});
  if (extent <= 0) return;
  std::vector<int64_t> shape(5, 1);
  shape[static_cast<size_t>(axis)] = extent;
  const at::Tensor share = at::arange(extent, at::TensorOptions(at::kDouble))
                               .div(static_cast<double>(extent))
                               .view(shape)
                               .to(tile.device());
  const at::Tensor end = before.narrow(axis, before.size(axis) - extent, extent);
  at::Tensor begin = tile.narrow(axis, 0, extent);
  begin.copy_(end.to(at::kFloat)
                  .mul(share.neg().add(1).to(at::kFloat))
                  .add(begin.to(at::kFloat).mul(share.to(at::kFloat))));
}

at::Tensor part(const at::Tensor& x, int64_t axis, int64_t first, int64_t count) {
  return x.narrow(axis, first, std::min(count, x.size(axis) - first));
}

}  // namespace

at::Tensor run_in_tiles(const at::Tensor& x, const TileSizes& in, const TileSizes& out,
                        const std::function<at::Tensor(const at::Tensor&)>& run) {
  std::vector<at::Tensor> above, done;
  for (int64_t top = 0; top < x.size(kRows); top += in.stride_height) {
    std::vector<at::Tensor> row, kept;
    for (int64_t left = 0; left < x.size(kColumns); left += in.stride_width) {
      at::Tensor tile = run(part(part(x, kRows, top, in.height), kColumns, left, in.width));
      // The neighbours have faded into theirs already, as in the source.
      if (!above.empty()) {
        fade_in(above[row.size()], tile, kRows, out.height - out.stride_height);
      }
      if (!row.empty()) fade_in(row.back(), tile, kColumns, out.width - out.stride_width);
      kept.push_back(part(part(tile, kRows, 0, out.stride_height), kColumns, 0, out.stride_width));
      row.push_back(std::move(tile));
    }
    done.push_back(at::cat(kept, kColumns));
    above = std::move(row);
  }
  return at::cat(done, kRows);
}

}  // namespace mw::vae
