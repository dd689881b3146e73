// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "mw/models/wan/block.h"
#include "mw/models/wan/config.h"
#include "mw/nn/linear.h"

namespace mw::wan {

/// The second chain of blocks that carries actions into a text-to-world model: it starts from the
/// same tokens, with the actions added, and gives some layers of the first chain a hint each.
///
/// Hints don't depend on the first chain, so each is computed when its layer is reached and only
/// one exists at a time. Const and shareable between threads.
/// Source: `WanActionControlNetModel` in github.com/AMD-AGI/Micro-World; arXiv:2302.05543.
class ControlBranch {
 public:
  /// Binds `<j>` under `weights` (the checkpoint's `action_blocks`), one for each action layer: a
  /// whole block with `after_proj`, the first one with `before_proj` too.
  ControlBranch(const WanConfig& config, const nn::WeightScope& weights);

  /// Keys and values of the context, one for each block of this chain.
  std::vector<CrossKeys> context_keys(const at::Tensor& text, const at::Tensor& image) const;

  /// tokens: [B, F*S, C] float32, those that the first block gets; features: [B or 1, F, A] of
  /// ActionModule. The result is the state of this chain, [B, F*S, C] float32.
  at::Tensor start(const at::Tensor& tokens, const at::Tensor& features,
                   int64_t frame_tokens) const;

  /// Which block of this chain belongs to layer `layer` of the first; none for most.
  std::optional<size_t> block_of(int64_t layer) const;

  /// The state after block `index`; arguments as for DiTBlock::forward.
  at::Tensor advance(size_t index, const at::Tensor& state, const at::Tensor& time,
                     const ops::RopeTable& rope, const CrossKeys& context,
                     int64_t frame_tokens) const;

  /// What the layer of block `index` adds to its result: [B, F*S, C] float32.
  at::Tensor hint(size_t index, const at::Tensor& state) const;

 private:
  std::vector<int64_t> layers_;
  nn::Linear before_;
  std::vector<DiTBlock> blocks_;
  std::vector<nn::Linear> after_;
};

}  // namespace mw::wan
