// SPDX-License-Identifier: Apache-2.0
#include "mw/ops/rope.h"

#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/view_as_complex.h>
#include <ATen/ops/view_as_real.h>

#include <vector>

#include "mw/core/error.h"
#include "mw/ops/row_kernels.h"

namespace mw::ops {
namespace {

const at::TensorOptions kDouble(at::kDouble);

/// Angles [P, m/2] of the positions for an axis with m elements.
at::Tensor axis_angles(const at::Tensor& positions, int64_t m, double theta) {
  const at::Tensor exponent = at::arange(m / 2, kDouble).mul(-2.0 / static_cast<double>(m));
  return positions.unsqueeze(1).mul(at::pow(theta, exponent).unsqueeze(0));
}

}  // namespace

RopeTable::RopeTable(const at::Tensor& angles)
    : rotations_(at::complex(angles.cos().to(at::kFloat), angles.sin().to(at::kFloat))
                     .unsqueeze(0)
                     .unsqueeze(2)) {}

RopeTable RopeTable::for_video(int64_t head_dim, std::span<const int64_t> frame_positions,
                               int64_t rows, int64_t columns, double theta) {
  MW_CHECK(head_dim >= 6 && head_dim % 2 == 0, "rope: head size must be even and at least 6, got ",
           head_dim);
  const int64_t space = 2 * (head_dim / 6), time = head_dim - 2 * space;
  const auto frames = static_cast<int64_t>(frame_positions.size());
  const at::Tensor t = axis_angles(
      at::tensor(at::ArrayRef<int64_t>(frame_positions.data(), frame_positions.size()), kDouble),
      time, theta);
  const at::Tensor y = axis_angles(at::arange(rows, kDouble), space, theta);
  const at::Tensor x = axis_angles(at::arange(columns, kDouble), space, theta);
  const auto spread = [&](const at::Tensor& angles, at::IntArrayRef view) {
    return angles.view(view).expand({frames, rows, columns, angles.size(1)});
  };
  return RopeTable(at::cat({spread(t, {frames, 1, 1, time / 2}), spread(y, {1, rows, 1, space / 2}),
                            spread(x, {1, 1, columns, space / 2})},
                           3)
                       .flatten(0, 2));
}

RopeTable RopeTable::slice(int64_t first, int64_t count) const {
  RopeTable part;
  part.rotations_ = rotations_.narrow(1, first, count);
  return part;
}

RopeTable RopeTable::to(at::Device device) const {
  RopeTable moved;
  moved.rotations_ = rotations_.to(device);
  return moved;
}

at::Tensor RopeTable::turns() const {
  return at::view_as_real(rotations_).flatten(3).flatten(0, 2);  // [1, L, 1, D/2] -> [L, D]
}

at::Tensor RopeTable::rotate(const at::Tensor& x) const {
  MW_CHECK(x.dim() == 4 && x.size(1) == num_tokens() && x.size(3) == 2 * rotations_.size(3),
           "rope: x must be [B, ", num_tokens(), ", N, ", 2 * rotations_.size(3), "], got ",
           x.sizes());
  if (is_plain(x) && x.numel() > 0) {
    at::Tensor out = at::empty_like(x);
    const int64_t heads = x.size(2), width = x.size(3), bytes = width * x.element_size();
    const auto* from = static_cast<const std::byte*>(x.const_data_ptr());
    auto* to = static_cast<std::byte*>(out.mutable_data_ptr());
    const auto* turns = reinterpret_cast<const float*>(
        rotations_.const_data_ptr<c10::complex<float>>());  // Cosine, sine, cosine, ...
    at::parallel_for(0, x.size(0) * x.size(1), rows_per_thread(heads * width),
                     [&](int64_t first, int64_t last) {
                       std::vector<float> row(static_cast<size_t>(width));
                       for (int64_t i = first * heads; i < last * heads; ++i) {
                         load_row(from + i * bytes, x.scalar_type(), row.data(), width);
                         rotate_row(row.data(), turns + i / heads % num_tokens() * width, width);
                         store_row(row.data(), to + i * bytes, x.scalar_type(), width);
                       }
                     });
    return out;
  }
  const at::Tensor pairs =
      at::view_as_complex(x.to(at::kFloat).contiguous().unflatten(3, {-1, 2}));  // [B, L, N, D/2]
  return at::view_as_real(pairs.mul(rotations_)).flatten(3).to(x.scalar_type());
}

}  // namespace mw::ops
