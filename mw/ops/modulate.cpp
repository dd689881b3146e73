// SPDX-License-Identifier: Apache-2.0
#include "mw/ops/modulate.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <cmath>
#include <vector>

#include "mw/ops/gpu_kernels.h"
#include "mw/ops/norm.h"
#include "mw/ops/row_kernels.h"

namespace mw::ops {
namespace {

at::Tensor by_frame(const at::Tensor& x, int64_t frame_tokens) {  // -> [B, F, S, C] float32
  return x.to(at::kFloat).unflatten(1, {-1, frame_tokens});
}

/// The rows of a [B, F or 1, C] float32 tensor whose rows alone are contiguous.
class FrameRows {
 public:
  explicit FrameRows(const at::Tensor& t)
      : data_(t.const_data_ptr<float>()),
        batch_stride_(t.size(0) > 1 ? t.stride(0) : 0),
        frame_stride_(t.size(1) > 1 ? t.stride(1) : 0) {}
  const float* row(int64_t item, int64_t frame) const {
    return data_ + item * batch_stride_ + frame * frame_stride_;
  }
  static bool fit(const at::Tensor& t) {
    return t.dim() == 3 && t.scalar_type() == at::kFloat && t.stride(2) == 1 &&
           is_plain(t.select(1, 0).select(0, 0));
  }

 private:
  const float* data_;
  int64_t batch_stride_, frame_stride_;
};

/// Calls `work(number of the row, batch item, frame)` for all rows of x [B, F*S, C].
template <class Work>
void for_rows(const at::Tensor& x, int64_t frame_tokens, const Work& work) {
  const int64_t tokens = x.size(1);
  at::parallel_for(0, x.size(0) * tokens, rows_per_thread(x.size(2)),
                   [&](int64_t first, int64_t last) {
                     auto on_row = work();
                     for (int64_t i = first; i < last; ++i) {
                       on_row(i, i / tokens, i % tokens / frame_tokens);
                     }
                   });
}

}  // namespace

at::Tensor modulated_norm(const at::Tensor& x, const at::Tensor& shift, const at::Tensor& scale,
                          int64_t frame_tokens, double eps, at::ScalarType dtype) {
  const bool is_known = dtype == at::kFloat || dtype == at::kBFloat16;
  if (is_known && is_plain(x) && FrameRows::fit(shift) && FrameRows::fit(scale)) {
    at::Tensor out = at::empty(x.sizes(), x.options().dtype(dtype));
    const int64_t width = x.size(2);
    const FrameRows shifts(shift), scales(scale);
    const auto* from = static_cast<const std::byte*>(x.const_data_ptr());
    auto* to = static_cast<std::byte*>(out.mutable_data_ptr());
    const int64_t in_bytes = width * x.element_size(), out_bytes = width * out.element_size();
    for_rows(x, frame_tokens, [&] {
      return [&, row = std::vector<float>(static_cast<size_t>(width))](int64_t i, int64_t item,
                                                                       int64_t frame) mutable {
        load_row(from + i * in_bytes, x.scalar_type(), row.data(), width);
        const Moments moments = moments_of(row.data(), width);
        centre_row(row.data(), moments.mean,
                   1 / std::sqrt(moments.variance + static_cast<float>(eps)), width);
        modulate_row(row.data(), scales.row(item, frame), shifts.row(item, frame), width);
        store_row(row.data(), to + i * out_bytes, dtype, width);
      };
    });
    return out;
  }
  if (at::Tensor out = gpu_modulated_norm(x, shift, scale, frame_tokens, eps, dtype);
      out.defined()) {
    return out;
  }
  const at::Tensor normalised = by_frame(layer_norm(x.to(at::kFloat), {}, {}, eps), frame_tokens);
  return normalised.mul(scale.add(1).unsqueeze(2)).add(shift.unsqueeze(2)).flatten(1, 2).to(dtype);
}

at::Tensor gated_add(const at::Tensor& x, const at::Tensor& y, const at::Tensor& gate,
                     int64_t frame_tokens) {
  if (is_plain(x) && is_plain(y) && x.sizes() == y.sizes() && FrameRows::fit(gate)) {
    at::Tensor out = at::empty_like(x);
    const int64_t width = x.size(2);
    const FrameRows gates(gate);
    const auto* left = static_cast<const std::byte*>(x.const_data_ptr());
    const auto* right = static_cast<const std::byte*>(y.const_data_ptr());
    auto* to = static_cast<std::byte*>(out.mutable_data_ptr());
    const int64_t x_bytes = width * x.element_size(), y_bytes = width * y.element_size();
    for_rows(x, frame_tokens, [&] {
      return [&, row = std::vector<float>(static_cast<size_t>(width)),
              added = std::vector<float>(static_cast<size_t>(width))](int64_t i, int64_t item,
                                                                      int64_t frame) mutable {
        load_row(left + i * x_bytes, x.scalar_type(), row.data(), width);
        load_row(right + i * y_bytes, y.scalar_type(), added.data(), width);
        gated_add_row(row.data(), added.data(), gates.row(item, frame), width);
        store_row(row.data(), to + i * x_bytes, x.scalar_type(), width);
      };
    });
    return out;
  }
  if (at::Tensor out = gpu_gated_add(x, y, gate, frame_tokens); out.defined()) return out;
  return by_frame(x, frame_tokens)
      .add(by_frame(y, frame_tokens).mul(gate.unsqueeze(2)))
      .flatten(1, 2)
      .to(x.scalar_type());
}

}  // namespace mw::ops
