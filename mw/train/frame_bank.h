// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace mw::train {

/// Frames of many clips held in memory as bytes, for training on single frames.
struct FrameBank {
  at::Tensor frames;  ///< [N, 3, H, W] uint8.
  at::Tensor depth;   ///< [N, H/4, W/4] uint8 square-root inverse depth; undefined if not recorded.

  /// Reads every `stride`-th frame of the clips of `split`, at most `max_frames` in all: clips are
  /// visited in an order drawn from `seed`, so a bank that is too small still covers every place.
  /// Throws Error kIo or kFormat; kInvalidArgument when the split is empty.
  static FrameBank read(const std::filesystem::path& dataset, const std::string& split,
                        int64_t stride, int64_t max_frames, uint64_t seed);

  int64_t size() const { return frames.size(0); }
};

}  // namespace mw::train
