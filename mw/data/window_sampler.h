// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace mw::data {

/// A run of frames within one clip of a list of clips.
struct Window {
  int64_t clip_index = 0;
  int64_t first_frame = 0;

  auto operator<=>(const Window&) const = default;
};

/// An endless, shuffled sequence of all windows of a fixed length, each once per epoch.
///
/// Element k depends on the seed and k alone, so workers that take k = w, w + W, ... share one
/// sequence whatever their number W, and a stopped run goes on from its k. Const and shareable
/// between threads.
class WindowSampler {
 public:
  /// clip_frames: frames of each clip; those shorter than the window are passed over.
  /// Throws Error kInvalidArgument when no window fits.
  WindowSampler(const std::vector<int64_t>& clip_frames, int64_t window_frames, uint64_t seed);

  /// Windows in one epoch.
  int64_t num_windows() const { return ends_.back(); }

  /// Element `k` of the sequence, from 0.
  Window at(int64_t k) const;

 private:
  std::vector<int64_t> ends_;  // Windows in the clips up to and with each one.
  uint64_t seed_;
};

/// Where `index` goes in a permutation of 0 .. size - 1 that `key` chooses. Takes no memory: a
/// Feistel network on the next power of four, walked until it lands inside.
uint64_t permuted(uint64_t index, uint64_t size, uint64_t key);

}  // namespace mw::data
