// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace mw::wan {

/// Past keys and values of one self-attention layer, a page per latent frame.
///
/// Keys are kept unrotated: positions are counted within what is visible, so a stream has no
/// longest length. A denoising pass only ever replaces the pending pages; `commit` makes them past
/// and evicts what no later frame can see. Owned by one thread.
class LayerCache {
 public:
  /// k, v: [B, F*S, N, D] of the frames being generated. Returns past and pending together.
  std::pair<at::Tensor, at::Tensor> with_pending(const at::Tensor& k, const at::Tensor& v);

  /// frame_tokens: S; `keep`: frames the next chunk may see beside itself, sinks included.
  void commit(int64_t frame_tokens, int64_t sinks, std::optional<int64_t> keep);

  int64_t num_frames() const { return static_cast<int64_t>(pages_.size()); }
  /// Numbers of the kept frames, counted from the stream's first.
  std::vector<int64_t> frames() const;

 private:
  struct Page {
    int64_t frame;    // Counted from the stream's first.
    at::Tensor k, v;  // [B, S, N, D]
  };
  std::deque<Page> pages_;
  int64_t num_committed_ = 0;
  at::Tensor pending_k_, pending_v_;  // [B, F*S, N, D]
};

/// The caches of all layers of one stream.
class KVCache {
 public:
  explicit KVCache(int64_t num_layers) : layers_(static_cast<size_t>(num_layers)) {}

  LayerCache& layer(int64_t index) { return layers_.at(static_cast<size_t>(index)); }
  /// Frames that the next chunk sees beside itself.
  int64_t num_frames() const { return layers_.front().num_frames(); }
  std::vector<int64_t> frames() const { return layers_.front().frames(); }
  /// A copy that goes its own way; pages are immutable and shared.
  KVCache clone() const { return *this; }

 private:
  std::vector<LayerCache> layers_;
};

}  // namespace mw::wan
