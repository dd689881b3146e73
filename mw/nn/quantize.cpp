// SPDX-License-Identifier: Apache-2.0
#include "mw/nn/quantize.h"

#include "mw/core/error.h"
#include "mw/ops/int8_linear.h"

namespace mw::nn {
namespace {

/// `blocks.3.` anywhere in front: also `vace_blocks.3.`, `control_blocks.3.` and prefixed names.
bool is_in_block(const std::string& name) {
  const size_t blocks = name.find("blocks.");
  return blocks != std::string::npos && blocks + 7 < name.size() && name[blocks + 7] >= '0' &&
         name[blocks + 7] <= '9';
}

double relative_error(const at::Tensor& weight, const ops::Int8Weight& rounded) {
  const at::Tensor exact = weight.to(at::kFloat);
  const double power = exact.square().mean().item<double>();
  if (power == 0) return 0;
  return ops::dequantized(rounded).sub(exact).square().mean().item<double>() / power;
}

}  // namespace

bool is_block_matrix(const std::string& name, size_t num_dims) {
  return num_dims == 2 && name.ends_with(".weight") && is_in_block(name);
}

TensorMap quantized_int8(const TensorMap& tensors, QuantizationReport* report) {
  TensorMap rounded;
  QuantizationReport total;
  for (const auto& [name, tensor] : tensors) {
    total.bytes_before += static_cast<int64_t>(tensor.nbytes());
    if (!is_block_matrix(name, tensor.sizes().size())) {
      rounded.emplace(name, tensor);
      total.bytes_after += static_cast<int64_t>(tensor.nbytes());
      continue;
    }
    if (!tensor.is_floating_point()) {
      throw Error(ErrorCode::kWeights, "quantize: '" + name + "' is in 8 bits already");
    }
    const ops::Int8Weight weight = ops::quantize_int8(tensor);
    if (report != nullptr) {
      const double error = relative_error(tensor, weight);
      total.mean_error += error;
      if (error >= total.worst_error) total.worst_error = error, total.worst_name = name;
    }
    ++total.num_matrices;
    total.bytes_after += static_cast<int64_t>(weight.values.nbytes() + weight.scales.nbytes());
    rounded.emplace(name, weight.values);
    rounded.emplace(name + "_scale", weight.scales);
  }
  if (total.num_matrices == 0) {
    throw Error(ErrorCode::kWeights,
                "quantize: there is no 'blocks.N....weight' matrix: this is no "
                "transformer's weights");
  }
  total.mean_error /= static_cast<double>(total.num_matrices);
  if (report != nullptr) *report = total;
  return rounded;
}

}  // namespace mw::nn
