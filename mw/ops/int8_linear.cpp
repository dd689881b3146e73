// SPDX-License-Identifier: Apache-2.0
#include "mw/ops/int8_linear.h"

#include <ATen/Parallel.h>
#include <ATen/ops/_int_mm.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "mw/core/error.h"
#include "mw/ops/row_kernels.h"

namespace mw::ops {
namespace {

constexpr float kLargest = 127;
// A row of zeros has no magnitude; any scale serves it, but its inverse must be finite.
constexpr float kSmallestScale = 1e-30F;

void check(const at::Tensor& x, const Int8Weight& weight) {
  MW_CHECK(weight.values.scalar_type() == at::kChar && weight.values.dim() == 2 &&
               weight.scales.dim() == 1 && weight.scales.size(0) == weight.values.size(0),
           "int8_linear: weight must be int8 [out, in] with [out] scales");
  MW_CHECK(x.size(-1) == weight.values.size(1), "int8_linear: x must be [..., ",
           weight.values.size(1), "], got ", x.sizes());
}

/// Rows [M, K] of `x` as integers, and the scale of each.
struct Int8Rows {
  at::Tensor values;          // [M, K] int8.
  std::vector<float> scales;  // [M].
};

Int8Rows rounded_rows(const at::Tensor& x) {
  const int64_t rows = x.size(0), width = x.size(1), row_bytes = width * x.element_size();
  Int8Rows out{at::empty({rows, width}, x.options().dtype(at::kChar)),
               std::vector<float>(static_cast<size_t>(rows))};
  const auto* from = static_cast<const std::byte*>(x.const_data_ptr());
  auto* to = out.values.mutable_data_ptr<int8_t>();
  at::parallel_for(0, rows, rows_per_thread(width), [&](int64_t first, int64_t last) {
    std::vector<float> row(static_cast<size_t>(width));
    for (int64_t i = first; i < last; ++i) {
      load_row(from + i * row_bytes, x.scalar_type(), row.data(), width);
      const float scale = std::max(largest_of(row.data(), width) / kLargest, kSmallestScale);
      out.scales[static_cast<size_t>(i)] = scale;
      round_row(row.data(), 1 / scale, to + i * width, width);
    }
  });
  return out;
}

}  // namespace

Int8Weight quantize_int8(const at::Tensor& weight) {
  MW_CHECK(weight.dim() == 2 && weight.is_floating_point(),
           "quantize_int8: weight must be floating [out, in], got ", weight.sizes());
  const at::Tensor exact = weight.to(at::kFloat);
  const at::Tensor scales = exact.abs().amax(1).div(kLargest).clamp_min(kSmallestScale);
  return {exact.div(scales.unsqueeze(1)).round().to(at::kChar), scales};
}

at::Tensor dequantized(const Int8Weight& weight) {
  return weight.values.to(at::kFloat).mul(weight.scales.unsqueeze(1));
}

at::Tensor int8_linear_composed(const at::Tensor& x, const Int8Weight& weight,
                                const at::Tensor& bias) {
  check(x, weight);
  const at::Tensor rows = x.to(at::kFloat).reshape({-1, x.size(-1)});  // [M, K]
  const at::Tensor scales = rows.abs().amax(1, true).div(kLargest).clamp_min(kSmallestScale);
  // Integers up to 127 * 127 * 2^20 need more than the 24 bits of a float32.
  const at::Tensor sums =
      rows.div(scales).round().to(at::kDouble).matmul(weight.values.to(at::kDouble).t());
  at::Tensor y = sums.to(at::kFloat).mul(scales.mul(weight.scales.unsqueeze(0)));
  if (bias.defined()) y = y.add(bias.to(at::kFloat));
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = weight.values.size(0);
  return y.view(shape).to(x.scalar_type());
}

at::Tensor int8_linear(const at::Tensor& x, const Int8Weight& weight, const at::Tensor& bias) {
  check(x, weight);
  const at::Tensor rows = x.reshape({-1, x.size(-1)}).contiguous();  // [M, K]
  if (!is_plain(rows) || rows.numel() == 0) return int8_linear_composed(x, weight, bias);
  const Int8Rows whole = rounded_rows(rows);
  const at::Tensor sums = at::_int_mm(whole.values, weight.values.t());  // [M, N] int32
  const at::Tensor offsets = bias.defined() ? bias.to(at::kFloat) : at::Tensor();
  const float* offset = offsets.defined() ? offsets.const_data_ptr<float>() : nullptr;
  const int64_t width = sums.size(1);
  at::Tensor out = at::empty({rows.size(0), width}, x.options());
  const int64_t row_bytes = width * out.element_size();
  const auto* from = sums.const_data_ptr<int32_t>();
  const auto* scales = weight.scales.const_data_ptr<float>();
  auto* to = static_cast<std::byte*>(out.mutable_data_ptr());
  at::parallel_for(0, rows.size(0), rows_per_thread(width), [&](int64_t first, int64_t last) {
    std::vector<float> row(static_cast<size_t>(width));
    for (int64_t i = first; i < last; ++i) {
      scale_row(from + i * width, whole.scales[static_cast<size_t>(i)], scales, offset, row.data(),
                width);
      store_row(row.data(), to + i * row_bytes, x.scalar_type(), width);
    }
  });
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = width;
  return out.view(shape);
}

}  // namespace mw::ops
