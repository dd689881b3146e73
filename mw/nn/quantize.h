// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "mw/nn/tensor_file.h"

namespace mw::nn {

/// Whether a tensor of `num_dims` dimensions called `name` is a matrix of a transformer's block, in
/// either naming: what is worth fewer bits. Embeddings, the head and everything of the timestep
/// stay as they are: they are small, and every token hangs on them.
bool is_block_matrix(const std::string& name, size_t num_dims);

/// What rounding has cost.
struct QuantizationReport {
  int64_t num_matrices = 0, bytes_before = 0, bytes_after = 0;
  double mean_error = 0;   ///< Mean over matrices of the squared error over the matrix's power.
  double worst_error = 0;  ///< The largest of them,
  std::string worst_name;  ///< and whose it is.
};

/// The tensors with every block matrix in 8 bits: `NAME.weight` int8, beside it `NAME.weight_scale`
/// float32 [out]; `Linear` takes both. Others are passed on.
/// Throws Error kWeights when no matrix of a block is there, or one is in 8 bits already.
TensorMap quantized_int8(const TensorMap& tensors, QuantizationReport* report = nullptr);

}  // namespace mw::nn
