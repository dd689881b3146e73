// SPDX-License-Identifier: Apache-2.0
#include "mw/ops/norm.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/native_layer_norm.h>
#include <ATen/ops/rms_norm.h>

#include <cmath>
#include <tuple>
#include <vector>

#include "mw/ops/gpu_kernels.h"
#include "mw/ops/row_kernels.h"

namespace mw::ops {
namespace {

at::Tensor as_float(const at::Tensor& t) { return t.defined() ? t.to(at::kFloat) : t; }

/// Calls `work(row of float32)` on a copy of every row of x and returns what that became.
template <class Work>
at::Tensor mapped_rows(const at::Tensor& x, const Work& work) {
  at::Tensor out = at::empty_like(x);
  const int64_t width = x.size(-1), bytes = width * x.element_size();
  const auto* from = static_cast<const std::byte*>(x.const_data_ptr());
  auto* to = static_cast<std::byte*>(out.mutable_data_ptr());
  at::parallel_for(0, x.numel() / width, rows_per_thread(width), [&](int64_t first, int64_t last) {
    std::vector<float> row(static_cast<size_t>(width));
    for (int64_t i = first; i < last; ++i) {
      load_row(from + i * bytes, x.scalar_type(), row.data(), width);
      work(row.data(), width);
      store_row(row.data(), to + i * bytes, x.scalar_type(), width);
    }
  });
  return out;
}

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  const at::Tensor w = as_float(weight);
  if (is_plain(x) && is_plain(w) && x.numel() > 0) {
    return mapped_rows(x, [&](float* row, int64_t width) {
      centre_row(row, 0, 1 / std::sqrt(mean_square_of(row, width) + static_cast<float>(eps)),
                 width);
      affine_row(row, w.const_data_ptr<float>(), nullptr, width);
    });
  }
  if (at::Tensor out = gpu_rms_norm(x, w, eps); out.defined()) return out;
  return at::rms_norm(x.to(at::kFloat), {x.size(-1)}, w, eps).to(x.scalar_type());
}

at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      double eps) {
  const at::Tensor w = as_float(weight), b = as_float(bias);
  const bool has_plain_weights =
      (!w.defined() || is_plain(w)) && (!b.defined() || is_plain(b)) && w.defined() == b.defined();
  if (is_plain(x) && has_plain_weights && x.numel() > 0) {
    return mapped_rows(x, [&](float* row, int64_t width) {
      const Moments moments = moments_of(row, width);
      centre_row(row, moments.mean, 1 / std::sqrt(moments.variance + static_cast<float>(eps)),
                 width);
      if (w.defined()) {
        affine_row(row, w.const_data_ptr<float>(), b.const_data_ptr<float>(), width);
      }
    });
  }
  return std::get<0>(at::native_layer_norm(x.to(at::kFloat), {x.size(-1)}, w, b, eps))
      .to(x.scalar_type());
}

}  // namespace mw::ops
