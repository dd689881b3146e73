// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "mw/nn/parameter_store.h"

namespace mw::nn {

/// RMS norm over the last axis with a learned `weight [dim]`. See ops::rms_norm.
class RMSNorm {
 public:
  RMSNorm(const WeightScope& weights, int64_t dim, double eps);
  at::Tensor forward(const at::Tensor& x) const;

 private:
  double eps_;
  at::Tensor weight_;
};

/// Layer norm over the last axis; `weight` and `bias` [dim] only when `is_affine`.
class LayerNorm {
 public:
  LayerNorm(const WeightScope& weights, int64_t dim, double eps, bool is_affine);
  at::Tensor forward(const at::Tensor& x) const;

 private:
  double eps_;
  at::Tensor weight_, bias_;
};

}  // namespace mw::nn
