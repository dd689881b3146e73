// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "mw/nn/parameter_store.h"

namespace mw::nn {

/// `y = x W^T + b`, and for each low-rank branch of its module `+ scale (x down^T) up^T`.
///
/// A layer whose weight is int8 with a `weight_scale` [out] float32 beside it computes in 8 bits
/// (see ops/int8_linear.h); its branches stay in the dtype of the bias.
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

  /// The dtype that `forward` takes and gives: the weight's (the bias's, when that is int8), or
  /// that of a CPU or CUDA autocast around it. Converting an input that serves several layers once
  /// is cheaper than once in each.
  at::ScalarType compute_dtype() const;

  /// Of the stored dtype; see `is_int8`.
  const at::Tensor& weight() const { return weight_; }
  const at::Tensor& bias() const { return bias_; }
  bool is_int8() const { return weight_scale_.defined(); }

 private:
  at::ScalarType stored_dtype() const;

  at::Tensor weight_, bias_;
  at::Tensor weight_scale_;              // Defined when the weight is int8.
  std::vector<LowRankBranch> branches_;  // In the stored dtype.
};

}  // namespace mw::nn
