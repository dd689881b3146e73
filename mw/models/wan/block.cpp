// SPDX-License-Identifier: Apache-2.0
#include "mw/models/wan/block.h"

#include <ATen/ops/gelu.h>

#include <cmath>

#include "mw/ops/modulate.h"

namespace mw::wan {

DiTBlock::DiTBlock(const WanConfig& config, const nn::WeightScope& weights)
    : eps_(config.eps),
      modulation_(weights.tensor("modulation", {1, 6, config.dim},
                                 nn::Init::normal(1 / std::sqrt(static_cast<double>(config.dim))))),
      self_attention_(config, weights / "self_attn"),
      cross_attention_(config, weights / "cross_attn"),
      norm3_(weights / "norm3", config.dim, config.eps, true),
      ffn_in_(weights / "ffn" / 0, config.dim, config.ffn_dim),
      ffn_out_(weights / "ffn" / 2, config.ffn_dim, config.dim) {
  if (config.has_actions() && !config.has_control_branch()) {
    action_modulation_.emplace(weights / "action_adaLN_modulation" / 1, config.action_dim,
                               6 * config.dim, true,
                               config.zero_init ? std::optional(nn::Init::zeros()) : std::nullopt);
  }
}

at::Tensor DiTBlock::forward(const at::Tensor& x, const at::Tensor& time, const at::Tensor& actions,
                             const ops::RopeTable& rope, const CrossKeys& context,
                             int64_t frame_tokens, LayerCache* cache) const {
  // One row per latent frame, never per token: [B, F, 6, C] float32.
  at::Tensor modulation = time.add(modulation_.to(at::kFloat).unsqueeze(0));
  if (action_modulation_ && actions.defined()) {
    modulation =
        modulation.add(action_modulation_->forward(actions).unflatten(2, {6, -1}).to(at::kFloat));
  }
  const auto part = [&](int64_t i) { return modulation.select(2, i); };  // [B, F, C]

  // The stream stays float32; what enters a product is rounded once.
  const at::ScalarType dtype = ffn_in_.compute_dtype();
  const auto modulated = [&](const at::Tensor& t, int64_t shift) {
    return ops::modulated_norm(t, part(shift), part(shift + 1), frame_tokens, eps_, dtype);
  };
  at::Tensor y = self_attention_.forward(modulated(x, 0), rope, frame_tokens, cache);
  at::Tensor out = ops::gated_add(x, y, part(2), frame_tokens);
  out = out.add(cross_attention_.forward(norm3_.forward(out).to(dtype), context));
  y = ffn_out_.forward(at::gelu(ffn_in_.forward(modulated(out, 3)), "tanh"));
  return ops::gated_add(out, y, part(5), frame_tokens);
}

}  // namespace mw::wan
