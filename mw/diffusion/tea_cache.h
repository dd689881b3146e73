// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mw::diffusion {

/// How TeaCache decides which steps reuse the transformer's blocks.
struct TeaCacheConfig {
  /// A polynomial from the change of the time features to that of the blocks' output, highest power
  /// first. Fitted for each model; see `tea_cache_polynomial`.
  std::array<double, 5> polynomial{};
  double threshold = 0;     ///< Estimated change up to which blocks are left out; larger is faster.
  int64_t start_steps = 5;  ///< First steps that are always computed.
};

/// The polynomial of a model family: t2v-1.3b, t2v-14b, i2v-14b-480p, i2v-14b-720p, flf2v-14b-720p
/// or ti2v-5b; nothing for others. Source: `cache_utils.py` of github.com/aigc-apps/VideoX-Fun.
std::optional<std::array<double, 5>> tea_cache_polynomial(std::string_view family);

/// Tells step after step whether the transformer's blocks must run or their last effect may be
/// added again. Depends on timesteps alone, neither on the prompt nor on actions.
/// Owned by one thread, for one clip. Source: arXiv:2411.19108.
class TeaCache {
 public:
  explicit TeaCache(const TeaCacheConfig& config) : config_(config) {}

  /// time_features: e0 of the step to come, of any shape; once a step, for guided steps too.
  bool needs_blocks(const at::Tensor& time_features);

  int64_t num_skipped() const { return num_skipped_; }

 private:
  TeaCacheConfig config_;
  at::Tensor previous_;
  double change_ = 0;  // Estimated, since blocks ran last.
  int64_t step_ = 0, num_skipped_ = 0;
};

}  // namespace mw::diffusion
