// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "mw/ops/rope.h"

namespace mw::ops {

/// `softmax(q k^T / sqrt(D)) v` of every query over every key.
///
/// q: [B, L, N, D]; k, v: [B, S, N, D]; the result is [B, L, N, D].
at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v);

/// Which frames a query frame sees: its own chunk, the first `sinks` frames of the video and the
/// most recent ones, `window` in all. Chunks after its own are never seen.
struct FrameWindow {
  int64_t window = 0;  ///< 0 sees the whole past; else at least sinks + chunk.
  int64_t sinks = 0;
  int64_t chunk = 1;  ///< Frames that see each other both ways.
};

/// The past that a chunk ending before frame `end` sees under a window.
struct VisibleFrames {
  int64_t sinks = 0;  ///< Frames 0 .. sinks - 1, apart from the recent ones; 0 while nothing is
                      ///< hidden.
  int64_t first = 0;  ///< Frames first .. end - 1.
};
VisibleFrames visible_frames(int64_t end, const FrameWindow& window);

/// Attention where tokens come in frames of equal size and each chunk sees its FrameWindow.
///
/// q: [B, Fq*S, N, D], k, v: [B, Fk*S, N, D] with Fk >= Fq, not yet rotated: the queries are the
/// last Fq frames, in chunks from the first of them. `rope`: rotations of the Fk frames at
/// positions 0, 1, 2, ...; `frame_tokens`: S. Positions count within what is visible: once frames
/// between the sinks and the recent ones are hidden, the sinks move up to close the gap, so a
/// stream has no longest length and one pass over a video equals generation frame by frame.
/// Computed chunk by chunk over the visible keys alone, which on a CPU is faster forwards and
/// backwards than one masked product.
at::Tensor frame_causal_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                  const RopeTable& rope, int64_t frame_tokens,
                                  const FrameWindow& window);

}  // namespace mw::ops
