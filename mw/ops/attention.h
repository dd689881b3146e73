// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace mw::ops {

/// `softmax(q k^T / sqrt(D)) v` of every query over every key.
///
/// q: [B, L, N, D]; k, v: [B, S, N, D]; the result is [B, L, N, D].
at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v);

/// Which frames a query frame sees: at most `window` of them, its own included: the first `sinks`
/// frames of the video and the most recent ones. Frames after it are never seen.
struct FrameWindow {
  int64_t window = 0;  ///< 0 sees the whole past.
  int64_t sinks = 0;   ///< Below `window`.
};

/// Attention where tokens come in frames of equal size and each frame sees its FrameWindow.
///
/// q: [B, Fq*S, N, D], k, v: [B, Fk*S, N, D] with Fk >= Fq: the queries are the last Fq frames.
/// `frame_tokens`: S. Computed frame by frame over the visible keys alone, which on a CPU is faster
/// forwards and backwards than one masked product.
at::Tensor frame_causal_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                  int64_t frame_tokens, const FrameWindow& window);

}  // namespace mw::ops
