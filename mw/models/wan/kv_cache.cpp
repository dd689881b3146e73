// SPDX-License-Identifier: Apache-2.0
#include "mw/models/wan/kv_cache.h"

#include <ATen/ops/cat.h>

#include "mw/core/error.h"

namespace mw::wan {

std::pair<at::Tensor, at::Tensor> LayerCache::with_pending(const at::Tensor& k,
                                                           const at::Tensor& v) {
  pending_k_ = k;
  pending_v_ = v;
  if (pages_.empty()) return {k, v};
  std::vector<at::Tensor> keys, values;
  for (const Page& page : pages_) {
    keys.push_back(page.k);
    values.push_back(page.v);
  }
  keys.push_back(k);
  values.push_back(v);
  return {at::cat(keys, 1), at::cat(values, 1)};
}

void LayerCache::commit(int64_t frame_tokens, int64_t sinks, std::optional<int64_t> keep) {
  MW_CHECK(pending_k_.defined(), "KVCache: nothing to commit; run a forward pass first");
  MW_CHECK(pending_k_.size(1) % frame_tokens == 0, "KVCache: ", pending_k_.size(1),
           " tokens are not whole frames of ", frame_tokens);
  for (int64_t first = 0; first < pending_k_.size(1); first += frame_tokens) {
    pages_.push_back({num_committed_++, pending_k_.narrow(1, first, frame_tokens).clone(),
                      pending_v_.narrow(1, first, frame_tokens).clone()});
  }
  pending_k_.reset();
  pending_v_.reset();
  while (keep && num_frames() > *keep) pages_.erase(pages_.begin() + sinks);
}

std::vector<int64_t> LayerCache::frames() const {
  std::vector<int64_t> numbers;
  for (const Page& page : pages_) numbers.push_back(page.frame);
  return numbers;
}

}  // namespace mw::wan
