// SPDX-License-Identifier: Apache-2.0
#include "mw/nn/embedding.h"

#include <ATen/ops/embedding.h>

namespace mw::nn {

Embedding::Embedding(const WeightScope& weights, int64_t num_rows, int64_t dim, Init weight_init)
    : weight_(weights.tensor("weight", {num_rows, dim}, weight_init)) {}

at::Tensor Embedding::forward(const at::Tensor& ids) const { return at::embedding(weight_, ids); }

}  // namespace mw::nn
