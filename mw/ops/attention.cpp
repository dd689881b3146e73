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

// Up to this many scores (32 MB of float32) a CPU is faster with plain products than with the fused
// kernel: equal in float32 forwards, 1.7 times in bfloat16, more backwards.
constexpr int64_t kMaxPlainScores = int64_t{1} << 23;

/// q: [B, N, L, D], k, v: [B, N, S, D].
at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  const int64_t num_scores = q.size(0) * q.size(1) * q.size(2) * k.size(2);
  if (!q.is_cpu() || num_scores > kMaxPlainScores) return at::scaled_dot_product_attention(q, k, v);
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(3)));
  const at::Tensor scores = q.mul(scale).matmul(k.transpose(2, 3));
  return scores.softmax(-1, at::kFloat).to(v.scalar_type()).matmul(v);
}

}  // namespace

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  return heads_first(attend(heads_first(q), heads_first(k), heads_first(v)));
}

VisibleFrames visible_frames(int64_t end, const FrameWindow& window) {
  if (window.window == 0 || end <= window.window) return {};
  return {.sinks = window.sinks, .first = end - (window.window - window.sinks)};
}

at::Tensor frame_causal_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                  const RopeTable& rope, int64_t frame_tokens,
                                  const FrameWindow& window) {
  MW_CHECK(frame_tokens > 0 && q.size(1) % frame_tokens == 0 && k.size(1) % frame_tokens == 0 &&
               k.size(1) >= q.size(1) && rope.num_tokens() == k.size(1),
           "attention: wanted whole frames of ", frame_tokens, " tokens, got q ", q.sizes(), ", k ",
           k.sizes(), " and rotations of ", rope.num_tokens(), " tokens");
  const int64_t num_frames = k.size(1) / frame_tokens;
  const int64_t first_query = num_frames - q.size(1) / frame_tokens;
  const auto frames = [&](const at::Tensor& x, int64_t first, int64_t count) {
    return x.narrow(1, first * frame_tokens, count * frame_tokens);
  };
  const auto rotations = [&](int64_t first, int64_t count) {
    return rope.slice(first * frame_tokens, count * frame_tokens);
  };
  const at::Tensor q_turned =
      rotations(first_query, num_frames - first_query).rotate(q);  // [B, Fq*S, N, D]
  const at::Tensor k_turned = rope.rotate(k);

  std::vector<at::Tensor> chunks;
  for (int64_t begin = first_query; begin < num_frames; begin += window.chunk) {
    const int64_t end = std::min(begin + window.chunk, num_frames);
    const auto [sinks, first] = visible_frames(end, window);
    at::Tensor keys = frames(k_turned, first, end - first);
    at::Tensor values = frames(v, first, end - first);
    if (sinks > 0) {
      const at::Tensor moved = rotations(first - sinks, sinks).rotate(frames(k, 0, sinks));
      keys = at::cat({moved, keys}, 1);
      values = at::cat({frames(v, 0, sinks), values}, 1);
    }
    chunks.push_back(attention(frames(q_turned, begin - first_query, end - begin), keys, values));
  }
  return chunks.size() == 1 ? chunks.front() : at::cat(chunks, 1);
}

}  // namespace mw::ops
