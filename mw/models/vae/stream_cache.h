// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <vector>

namespace mw::vae {

/// What the temporal convolutions of a WanVAE remember of a video between two chunks of it: one
/// slot each, in the order in which a pass meets them.
///
/// A new cache stands before the first frame. That is not the same as a past of zeros: resampling
/// treats the first frame by rules of its own, so an unset slot and a slot without frames differ.
/// One video, one direction, one thread.
class StreamCache {
 public:
  /// Whether frames have passed through already.
  bool has_started() const { return !slots_.empty(); }
  void reset() { slots_.clear(); }

  /// Bytes held between chunks.
  size_t num_bytes() const {
    size_t total = 0;
    for (const at::Tensor& slot : slots_) total += slot.nbytes();
    return total;
  }

  /// Called once per pass over the network, before its first layer.
  void rewind() {
    next_ = 0;
    is_first_chunk_ = slots_.empty();
  }
  /// Whether the pass under way is the video's first.
  bool is_first_chunk() const { return is_first_chunk_; }
  /// The slot of the layer that asks: undefined before the first frame.
  at::Tensor& next_slot() {
    if (next_ == slots_.size()) slots_.emplace_back();
    return slots_[next_++];
  }

 private:
  std::vector<at::Tensor> slots_;
  size_t next_ = 0;
  bool is_first_chunk_ = true;
};

}  // namespace mw::vae
