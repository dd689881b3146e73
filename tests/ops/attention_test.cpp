// SPDX-License-Identifier: Apache-2.0
#include "mw/ops/attention.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "tests/support/tensors.h"

namespace mw::ops {
namespace {

constexpr int64_t kRows = 2, kColumns = 3, kFrameTokens = kRows * kColumns, kHeadDim = 8;

RopeTable rope_at(const std::vector<int64_t>& frames) {
  return RopeTable::for_video(kHeadDim, frames, kRows, kColumns);
}

RopeTable rope_of(int64_t num_frames) {
  std::vector<int64_t> frames(static_cast<size_t>(num_frames));
  std::iota(frames.begin(), frames.end(), 0);
  return rope_at(frames);
}

at::Tensor tokens(int64_t num_frames, uint64_t seed) {
  return test::random_tensor({2, num_frames * kFrameTokens, 2, kHeadDim}, seed);
}

/// Frames that a chunk ending at `end` sees, spelled out from the definition: all frames before
/// `end`, of them the first `sinks` and the last `window - sinks`.
std::vector<int64_t> defined_frames(int64_t end, const FrameWindow& window) {
  std::vector<int64_t> seen;
  for (int64_t f = 0; f < end; ++f) {
    const bool is_recent = window.window == 0 || f >= end - (window.window - window.sinks);
    if (f < window.sinks || is_recent) seen.push_back(f);
  }
  return seen;
}

/// The definition, one chunk at a time: gather what is seen, number it 0, 1, 2, ..., attend.
at::Tensor defined_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                             const FrameWindow& window) {
  const int64_t num_frames = k.size(1) / kFrameTokens, past = num_frames - q.size(1) / kFrameTokens;
  std::vector<at::Tensor> out;
  for (int64_t begin = past; begin < num_frames; begin += window.chunk) {
    const int64_t end = std::min(begin + window.chunk, num_frames), count = end - begin;
    std::vector<at::Tensor> keys, values;
    for (const int64_t f : defined_frames(end, window)) {
      keys.push_back(k.narrow(1, f * kFrameTokens, kFrameTokens));
      values.push_back(v.narrow(1, f * kFrameTokens, kFrameTokens));
    }
    const RopeTable rope = rope_of(static_cast<int64_t>(keys.size()));
    const at::Tensor query =
        rope.slice(rope.num_tokens() - count * kFrameTokens, count * kFrameTokens)
            .rotate(q.narrow(1, (begin - past) * kFrameTokens, count * kFrameTokens));
    out.push_back(attention(query, rope.rotate(at::cat(keys, 1)), at::cat(values, 1)));
  }
  return at::cat(out, 1);
}

TEST(AttentionTest, IsSoftmaxOfScaledProducts) {
  const at::Tensor q = tokens(1, 1), k = tokens(2, 2), v = tokens(2, 3);
  const auto heads = [](const at::Tensor& x) { return x.transpose(1, 2).to(at::kDouble); };
  const at::Tensor weights =
      heads(q).matmul(heads(k).transpose(2, 3)).div(std::sqrt(8.0)).softmax(-1);
  EXPECT_TENSOR_NEAR(attention(q, k, v), weights.matmul(heads(v)).transpose(1, 2),
                     test::kFp32Reordered);
}

TEST(AttentionTest, LongSequencesComputeTheSame) {
  // 9 million scores take the fused kernel, their thirds do not.
  const at::Tensor q = test::random_tensor({1, 3000, 1, 8}, 1);
  const at::Tensor k = test::random_tensor({1, 3000, 1, 8}, 2);
  const at::Tensor v = test::random_tensor({1, 3000, 1, 8}, 3);
  std::vector<at::Tensor> thirds;
  for (const int64_t first : {0, 1000, 2000}) {
    thirds.push_back(attention(q.narrow(1, first, 1000), k, v));
  }
  EXPECT_TENSOR_NEAR(attention(q, k, v), at::cat(thirds, 1), test::kFp32Reordered);
}

TEST(VisibleFramesTest, PublishedTraces) {
  // Window, sinks, chunk; end of the chunk; the frames it sees. From LongLive's and
  // Self-Forcing's cache rules (arXiv:2509.22622, arXiv:2506.08009).
  struct Trace {
    FrameWindow window;
    int64_t end;
    std::vector<int64_t> frames;
  };
  const Trace traces[] = {
      {{6, 0, 3}, 9, {3, 4, 5, 6, 7, 8}},
      {{6, 1, 3}, 9, {0, 4, 5, 6, 7, 8}},
      {{6, 1, 3}, 12, {0, 7, 8, 9, 10, 11}},
      {{7, 0, 3}, 9, {2, 3, 4, 5, 6, 7, 8}},
      {{7, 0, 3}, 12, {5, 6, 7, 8, 9, 10, 11}},
      {{6, 3, 3}, 12, {0, 1, 2, 9, 10, 11}},
      {{12, 3, 3}, 15, {0, 1, 2, 6, 7, 8, 9, 10, 11, 12, 13, 14}},
      {{4, 1, 1}, 5, {0, 2, 3, 4}},
      {{4, 1, 1}, 6, {0, 3, 4, 5}},
      {{4, 1, 1}, 3, {0, 1, 2}},
      {{0, 0, 1}, 4, {0, 1, 2, 3}},
  };
  for (const Trace& trace : traces) {
    const VisibleFrames visible = visible_frames(trace.end, trace.window);
    std::vector<int64_t> frames(static_cast<size_t>(visible.sinks + trace.end - visible.first));
    std::iota(frames.begin(), frames.begin() + visible.sinks, 0);
    std::iota(frames.begin() + visible.sinks, frames.end(), visible.first);
    EXPECT_EQ(frames, trace.frames);
    EXPECT_EQ(defined_frames(trace.end, trace.window), trace.frames);
  }
}

TEST(FrameCausalAttentionTest, EqualsItsDefinitionForManyWindows) {
  std::mt19937 random(7);
  const auto below = [&](int64_t n) { return static_cast<int64_t>(random()) % n; };
  for (int trial = 0; trial < 40; ++trial) {
    const int64_t num_frames = 1 + below(9);
    FrameWindow window{.window = 0, .sinks = below(3), .chunk = 1 + below(3)};
    if (below(4) > 0) window.window = window.sinks + window.chunk + below(4);
    const int64_t num_queries = 1 + below(num_frames);
    SCOPED_TRACE(concat_message("trial ", trial, ": ", num_queries, " of ", num_frames,
                                " frames, window ", window.window, ", sinks ", window.sinks,
                                ", chunk ", window.chunk));
    const at::Tensor q = tokens(num_queries, 1), k = tokens(num_frames, 2),
                     v = tokens(num_frames, 3);
    EXPECT_TENSOR_NEAR(frame_causal_attention(q, k, v, rope_of(num_frames), kFrameTokens, window),
                       defined_attention(q, k, v, window), test::kFp32Reordered);
  }
}

TEST(FrameCausalAttentionTest, WithoutSinksOnlyDistancesBetweenFramesMatter) {
  const at::Tensor q = tokens(3, 1), k = tokens(5, 2), v = tokens(5, 3);
  const FrameWindow window{.window = 3};
  const at::Tensor wanted = frame_causal_attention(q, k, v, rope_of(5), kFrameTokens, window);
  for (const int64_t start : {500, 1000000}) {
    std::vector<int64_t> frames(5);
    std::iota(frames.begin(), frames.end(), start);
    EXPECT_TENSOR_NEAR(frame_causal_attention(q, k, v, rope_at(frames), kFrameTokens, window),
                       wanted, test::kFp32Parity);
  }
}

TEST(FrameCausalAttentionTest, BrokenFramesAreNamed) {
  const at::Tensor q = tokens(1, 1), k = tokens(2, 2);
  EXPECT_ERROR(frame_causal_attention(q, k, k, rope_of(2), 5, {}), ErrorCode::kInvalidArgument,
               "whole frames of 5 tokens");
  EXPECT_ERROR(frame_causal_attention(q, k, k, rope_of(3), kFrameTokens, {}),
               ErrorCode::kInvalidArgument, "rotations of 18 tokens");
}

}  // namespace
}  // namespace mw::ops
