// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "mw/nn/parameter_store.h"

namespace mw::nn {

/// Rows of a learned table `weight [num_rows, dim]`, picked by number.
class Embedding {
 public:
  Embedding(const WeightScope& weights, int64_t num_rows, int64_t dim,
            Init weight_init = Init::normal(1));
  /// ids: [...] int64, each below num_rows; the result is [..., dim].
  at::Tensor forward(const at::Tensor& ids) const;

 private:
  at::Tensor weight_;
};

}  // namespace mw::nn
