// SPDX-License-Identifier: Apache-2.0
#include "mw/train/frame_bank.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <optional>
#include <random>
#include <vector>

#include "mw/core/error.h"
#include "mw/data/dataset.h"

namespace mw::train {
namespace {

/// Frame `index` of packed frames of this shape, without a copy.
at::Tensor frame_view(const std::vector<uint8_t>& bytes, int64_t index, at::IntArrayRef shape) {
  const int64_t size = c10::multiply_integers(shape);
  return at::from_blob(const_cast<uint8_t*>(bytes.data()) + index * size, shape,
                       at::TensorOptions(at::kByte));
}

}  // namespace

FrameBank FrameBank::read(const std::filesystem::path& dataset, const std::string& split,
                          int64_t stride, int64_t max_frames, uint64_t seed) {
  const data::Dataset source(dataset);
  std::vector<std::string> ids = source.split(split);
  MW_CHECK(!ids.empty() && stride > 0 && max_frames > 0, "train: data set '", dataset.string(),
           "' has no clips in split '", split, "'");
  std::shuffle(ids.begin(), ids.end(), std::mt19937_64(seed));

  FrameBank bank;
  int64_t filled = 0;
  for (const std::string& id : ids) {
    if (bank.frames.defined() && filled == bank.frames.size(0)) break;
    const data::Clip clip = source.clip(id);
    const data::Frames frames = clip.load_frames();
    const std::optional<data::Depth> depth = clip.load_depth();
    if (!bank.frames.defined()) {
      const int64_t per_clip = (frames.num_frames + stride - 1) / stride;
      const int64_t capacity =
          std::min<int64_t>(max_frames, per_clip * static_cast<int64_t>(ids.size()));
      const auto bytes = at::TensorOptions(at::kByte);
      bank.frames = at::empty({capacity, 3, frames.height, frames.width}, bytes);
      if (depth) bank.depth = at::empty({capacity, depth->height, depth->width}, bytes);
    }
    if (bank.depth.defined() && !depth) {
      throw Error(ErrorCode::kFormat, "train: clip '" + id + "' has no depth, others have");
    }
    for (int64_t f = 0; f < frames.num_frames && filled < bank.frames.size(0); f += stride) {
      bank.frames[filled].copy_(frame_view(frames.rgb, f, {frames.height, frames.width, 3})
                                    .permute({2, 0, 1}));  // [H, W, 3] -> [3, H, W]
      if (depth) {
        bank.depth[filled].copy_(frame_view(depth->inverse, f, {depth->height, depth->width}));
      }
      ++filled;
    }
  }
  bank.frames = bank.frames.narrow(0, 0, filled);
  if (bank.depth.defined()) bank.depth = bank.depth.narrow(0, 0, filled);
  return bank;
}

}  // namespace mw::train
