// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "mw/nn/parameter_store.h"

namespace mw::nn {

/// `y = x W^T + b`, and for each low-rank branch of its module `+ scale (x down^T) up^T`.
class Linear {
 public:
  /// Binds `weight [out, in]` and `bias [out]` (absent when `has_bias` is false) and the branches
  /// that the store has for it. Created values: `weight_init`, or uniform within 1/sqrt(in); a
  /// given init makes the bias start at zero.
  Linear(const WeightScope& weights, int64_t in, int64_t out, bool has_bias = true,
         std::optional<Init> weight_init = std::nullopt);

  /// x: [..., in]; the result is [..., out].
  at::Tensor forward(const at::Tensor& x) const;

  /// The same in float32, whatever the weight's dtype and whether autocast is on: for few rows that
  /// much hangs on.
  at::Tensor forward_in_float(const at::Tensor& x) const;

  /// The dtype that `forward` computes in: the weight's, or that of a CPU or CUDA autocast around
  /// it. Converting an input that serves several layers once is cheaper than once in each.
  at::ScalarType compute_dtype() const;

  const at::Tensor& weight() const { return weight_; }
  const at::Tensor& bias() const { return bias_; }

 private:
  at::Tensor weight_, bias_;
  std::vector<LowRankBranch> branches_;  // In the weight's dtype.
};

}  // namespace mw::nn
