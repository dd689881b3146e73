// SPDX-License-Identifier: Apache-2.0
#include "mw/models/wan/control_branch.h"

#include <algorithm>

namespace mw::wan {

ControlBranch::ControlBranch(const WanConfig& config, const nn::WeightScope& weights)
    : layers_(config.action_layers),
      // Both projections start at zero: a new branch changes nothing.
      before_(weights / 0 / "before_proj", config.action_dim, config.dim, true, nn::Init::zeros()) {
  for (int64_t j = 0; j < static_cast<int64_t>(layers_.size()); ++j) {
    blocks_.emplace_back(config, weights / j);
    after_.emplace_back(weights / j / "after_proj", config.dim, config.dim, true,
                        nn::Init::zeros());
  }
}

std::vector<CrossKeys> ControlBranch::context_keys(const at::Tensor& text,
                                                   const at::Tensor& image) const {
  std::vector<CrossKeys> keys;
  for (const DiTBlock& block : blocks_) keys.push_back(block.context_keys(text, image));
  return keys;
}

at::Tensor ControlBranch::start(const at::Tensor& tokens, const at::Tensor& features,
                                int64_t frame_tokens) const {
  // One row per latent frame serves all its tokens.
  const at::Tensor added = before_.forward(features.to(before_.compute_dtype())).to(at::kFloat);
  return tokens.unflatten(1, {-1, frame_tokens}).add(added.unsqueeze(2)).flatten(1, 2);
}

std::optional<size_t> ControlBranch::block_of(int64_t layer) const {
  const auto found = std::lower_bound(layers_.begin(), layers_.end(), layer);
  if (found == layers_.end() || *found != layer) return std::nullopt;
  return static_cast<size_t>(found - layers_.begin());
}

at::Tensor ControlBranch::advance(size_t index, const at::Tensor& state, const at::Tensor& time,
                                  const ops::RopeTable& rope, const CrossKeys& context,
                                  int64_t frame_tokens) const {
  return blocks_.at(index).forward(state, time, {}, rope, context, frame_tokens, nullptr);
}

at::Tensor ControlBranch::hint(size_t index, const at::Tensor& state) const {
  const nn::Linear& after = after_.at(index);
  return after.forward(state.to(after.compute_dtype())).to(at::kFloat);
}

}  // namespace mw::wan
