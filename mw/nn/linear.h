// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

#include "mw/nn/parameter_store.h"

namespace mw::nn {

/// `y = x W^T + b`.
class Linear {
 public:
  /// Binds `weight [out, in]` and `bias [out]` (absent when `has_bias` is false). Created values:
  /// `weight_init`, or uniform within 1/sqrt(in); a given init makes the bias start at zero.
  Linear(const WeightScope& weights, int64_t in, int64_t out, bool has_bias = true,
         std::optional<Init> weight_init = std::nullopt);

  /// x: [..., in]; the result is [..., out].
  at::Tensor forward(const at::Tensor& x) const;

  /// The dtype that `forward` computes in: the weight's, or that of a CPU or CUDA autocast around
  /// it. Converting an input that serves several layers once is cheaper than once in each.
  at::ScalarType compute_dtype() const;

  const at::Tensor& weight() const { return weight_; }
  const at::Tensor& bias() const { return bias_; }

 private:
  at::Tensor weight_, bias_;
};

}  // namespace mw::nn
