// SPDX-License-Identifier: Apache-2.0
#include "mw/models/wan/kv_cache.h"

#include <ATen/ops/cat.h>

#include "mw/core/error.h"

namespace mw::wan {

std::pair<at::Tensor, at::Tensor> LayerCache::with_pending(const at::Tensor& k,
                                                           const at::Tensor& v) {
  pending_ = {k, v};
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
  MW_CHECK(pending_.k.defined(), "KVCache: nothing to commit; run a forward pass first");
  for (int64_t first = 0; first < pending_.k.size(1); first += frame_tokens) {
    pages_.push_back({pending_.k.narrow(1, first, frame_tokens).clone(),
                      pending_.v.narrow(1, first, frame_tokens).clone()});
  }
  pending_ = {};
  while (keep && num_frames() > *keep) pages_.erase(pages_.begin() + sinks);
}

}  // namespace mw::wan
