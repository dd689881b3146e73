// SPDX-License-Identifier: Apache-2.0
#include "mw/ops/attention.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "mw/core/error.h"

namespace mw::ops {
namespace {

at::Tensor heads_first(const at::Tensor& x) { return x.transpose(1, 2); }  // -> [B, N, L, D]

/// q: [B, N, L, D], k, v: [B, N, S, D]. Plain products: their backward is faster than the fused
/// kernel's at these sizes.
at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(3)));
  const at::Tensor scores = q.mul(scale).matmul(k.transpose(2, 3));
  return scores.softmax(-1, at::kFloat).to(v.scalar_type()).matmul(v);
}

}  // namespace

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  return heads_first(
      at::scaled_dot_product_attention(heads_first(q), heads_first(k), heads_first(v)));
}

at::Tensor frame_causal_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                  int64_t frame_tokens, const FrameWindow& window) {
  MW_CHECK(frame_tokens > 0 && q.size(1) % frame_tokens == 0 && k.size(1) % frame_tokens == 0 &&
               k.size(1) >= q.size(1),
           "attention: wanted whole frames of ", frame_tokens, " tokens, got q ", q.sizes(), ", k ",
           k.sizes());
  const int64_t num_queries = q.size(1) / frame_tokens, num_keys = k.size(1) / frame_tokens;
  const at::Tensor qh = heads_first(q), kh = heads_first(k), vh = heads_first(v);
  std::vector<at::Tensor> frames;
  for (int64_t i = 0; i < num_queries; ++i) {
    const int64_t own = num_keys - num_queries + i;  // This query frame's place among the keys.
    // The window counts the sinks: before it is full everything is visible, afterwards the sinks
    // and the most recent frames.
    const bool is_full = window.window > 0 && own >= window.window;
    const int64_t first = is_full ? own - (window.window - window.sinks) + 1 : 0;
    const int64_t sinks = is_full ? window.sinks : 0;
    const auto visible = [&](const at::Tensor& x) {
      const at::Tensor recent = x.narrow(2, first * frame_tokens, (own - first + 1) * frame_tokens);
      return sinks == 0 ? recent : at::cat({x.narrow(2, 0, sinks * frame_tokens), recent}, 2);
    };
    frames.push_back(
        attend(qh.narrow(2, i * frame_tokens, frame_tokens), visible(kh), visible(vh)));
  }
  return heads_first(frames.size() == 1 ? frames.front() : at::cat(frames, 2));
}

}  // namespace mw::ops
