// SPDX-License-Identifier: Apache-2.0
#include "mw/models/vae/wan_vae_layers.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/upsample_nearest2d.h>

#include <algorithm>
#include <cmath>

#include "mw/core/error.h"

namespace mw::vae {
namespace {

constexpr int64_t kFrames = 2;      // The axis of frames.
constexpr int64_t kPastFrames = 2;  // Frames before its own that a convolution sees.

/// The last `count` frames, or as many as there are, in memory of their own: a view would keep the
/// whole chunk alive.
at::Tensor last_frames(const at::Tensor& x, int64_t count) {
  const int64_t kept = std::min(count, x.size(kFrames));
  return x.narrow(kFrames, x.size(kFrames) - kept, kept).clone();
}

/// `x` behind the two frames before it: those in `slot`, zeros where it has none. Leaves the last
/// two frames in `slot`.
at::Tensor behind_past(const at::Tensor& x, at::Tensor& slot) {
  const int64_t known = slot.defined() ? slot.size(kFrames) : 0;
  at::Tensor whole = known > 0 ? at::cat({slot, x}, kFrames) : x;
  slot = last_frames(whole, kPastFrames);
  if (known == kPastFrames) return whole;
  return at::constant_pad_nd(whole, {0, 0, 0, 0, kPastFrames - known, 0});
}

/// [B, C, F, H, W] -> [B*F, C, H, W].
at::Tensor as_pictures(const at::Tensor& x) { return x.transpose(1, kFrames).flatten(0, 1); }

at::Tensor as_video(const at::Tensor& pictures, int64_t batch) {
  return pictures.unflatten(0, {batch, -1}).transpose(1, kFrames);
}

}  // namespace

ChannelNorm::ChannelNorm(const nn::WeightScope& weights, int64_t channels, bool is_picture) {
  std::vector<int64_t> shape(is_picture ? 3 : 4, 1);
  shape[0] = channels;
  gamma_ = weights.tensor("gamma", shape, nn::Init::ones());
}

at::Tensor ChannelNorm::forward(const at::Tensor& x) const {
  const at::Tensor length = at::linalg_vector_norm(x, 2, at::IntArrayRef{1}, true, at::kFloat);
  const at::Tensor scale =
      length.clamp_min(1e-12).reciprocal().mul(std::sqrt(static_cast<double>(x.size(1))));
  return x.mul(scale).mul(gamma_).to(x.scalar_type());
}

CausalConv3d::CausalConv3d(const nn::WeightScope& weights, int64_t in, int64_t out)
    : conv_(weights, {.in = in, .out = out}) {}

at::Tensor CausalConv3d::forward(const at::Tensor& x, StreamCache& cache) const {
  return conv_.forward(behind_past(x, cache.next_slot()), {0, 1, 1});
}

CausalResidualBlock::CausalResidualBlock(const nn::WeightScope& weights, int64_t in, int64_t out)
    : norm1_(weights / "residual" / 0, in),
      conv1_(weights / "residual" / 2, in, out),
      norm2_(weights / "residual" / 3, out),
      conv2_(weights / "residual" / 6, out, out) {
  if (in != out) {
    shortcut_.emplace(weights / "shortcut",
                      nn::Conv3dConfig{.in = in, .out = out, .kernel = {1, 1, 1}});
  }
}

at::Tensor CausalResidualBlock::forward(const at::Tensor& x, StreamCache& cache) const {
  at::Tensor y = conv1_.forward(at::silu(norm1_.forward(x)), cache);
  y = conv2_.forward(at::silu(norm2_.forward(y)), cache);
  return y.add_(shortcut_ ? shortcut_->forward(x) : x);
}

FrameAttention::FrameAttention(const nn::WeightScope& weights, int64_t channels)
    : norm_(weights / "norm", channels, /*is_picture=*/true),
      to_qkv_(weights / "to_qkv", {.in = channels, .out = 3 * channels, .kernel = 1, .padding = 0}),
      proj_(weights / "proj", {.in = channels, .out = channels, .kernel = 1, .padding = 0}) {}

at::Tensor FrameAttention::forward(const at::Tensor& x) const {
  const at::Tensor pictures = as_pictures(x);
  const int64_t channels = pictures.size(1);
  const auto parts = to_qkv_.forward(norm_.forward(pictures))
                         .flatten(2)
                         .transpose(1, 2)
                         .unsqueeze(1)  // [B*F, 1, H*W, 3C]
                         .split(channels, -1);
  const at::Tensor mixed = at::scaled_dot_product_attention(parts[0], parts[1], parts[2])
                               .squeeze(1)
                               .transpose(1, 2)
                               .reshape(pictures.sizes());
  return x.add(as_video(proj_.forward(mixed), x.size(0)));
}

Downsample::Downsample(const nn::WeightScope& weights, int64_t channels, bool is_temporal)
    : conv_(weights / "resample" / 1,
            {.in = channels, .out = channels, .stride = 2, .padding = 0}) {
  if (is_temporal) {
    time_conv_.emplace(
        weights / "time_conv",
        nn::Conv3dConfig{
            .in = channels, .out = channels, .kernel = {3, 1, 1}, .stride = {2, 1, 1}});
  }
}

at::Tensor Downsample::forward(const at::Tensor& x, StreamCache& cache) const {
  // Zeros to the right and below alone.
  const at::Tensor padded = at::constant_pad_nd(as_pictures(x), {0, 1, 0, 1});
  const at::Tensor halved = as_video(conv_.forward(padded), x.size(0));
  if (!time_conv_) return halved;

  at::Tensor& last = cache.next_slot();
  const bool is_first = !last.defined();
  MW_CHECK(halved.size(kFrames) % 2 == (is_first ? 1 : 0), "vae: a chunk of ", x.size(kFrames),
           " frames can't be halved in time: wanted an ", is_first ? "odd" : "even", " number");
  const at::Tensor whole = is_first ? halved : at::cat({last, halved}, kFrames);
  last = last_frames(halved, 1);
  if (!is_first) return time_conv_->forward(whole);
  const at::Tensor first = whole.narrow(kFrames, 0, 1);
  return whole.size(kFrames) == 1 ? first : at::cat({first, time_conv_->forward(whole)}, kFrames);
}

Upsample::Upsample(const nn::WeightScope& weights, int64_t in, int64_t out, bool is_temporal)
    : conv_(weights / "resample" / 1, {.in = in, .out = out}) {
  if (is_temporal) {
    time_conv_.emplace(weights / "time_conv",
                       nn::Conv3dConfig{.in = in, .out = 2 * in, .kernel = {3, 1, 1}});
  }
}

at::Tensor Upsample::forward(const at::Tensor& x, StreamCache& cache) const {
  at::Tensor frames = x;
  if (time_conv_) {
    at::Tensor& past = cache.next_slot();
    const bool is_first = !past.defined();
    const at::Tensor doubled = is_first ? x.narrow(kFrames, 1, x.size(kFrames) - 1) : x;
    if (doubled.size(kFrames) > 0) {
      // The two halves of the channels are two successive frames: [B, 2, C, F, H, W].
      const at::Tensor pairs =
          time_conv_->forward(behind_past(doubled, past)).unflatten(1, {2, x.size(1)});
      frames = at::stack({pairs.select(1, 0), pairs.select(1, 1)}, 3).flatten(kFrames, 3);
    } else {
      past = doubled.clone();  // Started, with nothing in it.
    }
    if (is_first) {
      const at::Tensor first = x.narrow(kFrames, 0, 1);
      frames = doubled.size(kFrames) > 0 ? at::cat({first, frames}, kFrames) : first;
    }
  }
  const at::Tensor pictures = as_pictures(frames);
  const at::Tensor larger = at::upsample_nearest2d(
      pictures, {2 * pictures.size(2), 2 * pictures.size(3)}, std::nullopt, std::nullopt);
  return as_video(conv_.forward(larger), x.size(0));
}

}  // namespace mw::vae
