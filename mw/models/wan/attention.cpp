// SPDX-License-Identifier: Apache-2.0
#include "mw/models/wan/attention.h"

#include <tuple>

#include "mw/core/error.h"
#include "mw/ops/attention.h"

namespace mw::wan {
namespace {

at::Tensor split_heads(const at::Tensor& x, int64_t num_heads) {  // [B, L, C] -> [B, L, N, D]
  return x.unflatten(2, {num_heads, -1});
}

}  // namespace

SelfAttention::SelfAttention(const WanConfig& config, const nn::WeightScope& weights)
    : config_(config),
      q_(weights / "q", config.dim, config.dim),
      k_(weights / "k", config.dim, config.dim),
      v_(weights / "v", config.dim, config.dim),
      o_(weights / "o", config.dim, config.dim),
      norm_q_(weights / "norm_q", config.dim, config.eps),
      norm_k_(weights / "norm_k", config.dim, config.eps) {}

at::Tensor SelfAttention::forward(const at::Tensor& x, const ops::RopeTable& rope,
                                  int64_t frame_tokens, LayerCache* cache) const {
  // Wan normalises over all heads together, so the norm comes before the split.
  const at::Tensor q = split_heads(norm_q_.forward(q_.forward(x)), config_.num_heads);
  at::Tensor k = split_heads(norm_k_.forward(k_.forward(x)), config_.num_heads);
  at::Tensor v = split_heads(v_.forward(x), config_.num_heads);
  if (cache != nullptr) std::tie(k, v) = cache->with_pending(k, v);  // [B, L_past + L, N, D]
  const at::Tensor mixed =
      config_.is_causal ? ops::frame_causal_attention(
                              q, k, v, rope, frame_tokens,
                              {config_.window_frames, config_.sink_frames, config_.chunk_frames})
                        : ops::attention(rope.rotate(q), rope.rotate(k), v);
  return o_.forward(mixed.flatten(2));
}

CrossAttention::CrossAttention(const WanConfig& config, const nn::WeightScope& weights)
    : config_(config),
      q_(weights / "q", config.dim, config.dim),
      k_(weights / "k", config.dim, config.dim),
      v_(weights / "v", config.dim, config.dim),
      o_(weights / "o", config.dim, config.dim),
      norm_q_(weights / "norm_q", config.dim, config.eps),
      norm_k_(weights / "norm_k", config.dim, config.eps) {
  if (config.image_dim > 0) {
    k_image_.emplace(weights / "k_img", config.dim, config.dim);
    v_image_.emplace(weights / "v_img", config.dim, config.dim);
    norm_k_image_.emplace(weights / "norm_k_img", config.dim, config.eps);
  }
}

CrossKeys CrossAttention::keys(const at::Tensor& text, const at::Tensor& image) const {
  CrossKeys keys{.k = split_heads(norm_k_.forward(k_.forward(text)), config_.num_heads),
                 .v = split_heads(v_.forward(text), config_.num_heads),
                 .k_image = {},
                 .v_image = {}};
  if (image.defined()) {
    keys.k_image = split_heads(norm_k_image_->forward(k_image_->forward(image)), config_.num_heads);
    keys.v_image = split_heads(v_image_->forward(image), config_.num_heads);
  }
  return keys;
}

at::Tensor CrossAttention::forward(const at::Tensor& x, const CrossKeys& keys) const {
  const at::Tensor q = split_heads(norm_q_.forward(q_.forward(x)), config_.num_heads);
  const auto spread = [&](const at::Tensor& t) { return t.expand({x.size(0), -1, -1, -1}); };
  at::Tensor mixed = ops::attention(q, spread(keys.k), spread(keys.v));
  if (keys.k_image.defined()) {
    mixed = mixed.add(ops::attention(q, spread(keys.k_image), spread(keys.v_image)));
  }
  return o_.forward(mixed.flatten(2));
}

}  // namespace mw::wan
