// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>

namespace mw::ops {

// What norms and rotations do to one row of numbers, on a CPU. Built for several instruction sets,
// of which the processor's best is taken when the program runs.

struct Moments {
  float mean = 0, variance = 0;
};

/// `n` values of a float32 or bfloat16 tensor at `from` as float32, and back (to nearest even).
void load_row(const void* from, at::ScalarType dtype, float* to, int64_t n);
void store_row(const float* from, void* to, at::ScalarType dtype, int64_t n);

Moments moments_of(const float* x, int64_t n);
float mean_square_of(const float* x, int64_t n);

/// `x = (x - mean) * factor`.
void centre_row(float* x, float mean, float factor, int64_t n);
/// `x = x * (1 + scale) + shift`.
void modulate_row(float* x, const float* scale, const float* shift, int64_t n);
/// `x = x * weight`, and with `bias`, which may be null, `+ bias`.
void affine_row(float* x, const float* weight, const float* bias, int64_t n);
/// `x = x + y * gate`.
void gated_add_row(float* x, const float* y, const float* gate, int64_t n);
/// The largest magnitude.
float largest_of(const float* x, int64_t n);
/// `to = round(x * factor)`, which must lie in [-127, 127].
void round_row(const float* x, float factor, int8_t* to, int64_t n);
/// `y = sums * (factor * scales) + bias`; `bias` may be null.
void scale_row(const int32_t* sums, float factor, const float* scales, const float* bias, float* y,
               int64_t n);
/// Turns n / 2 adjacent pairs; turns: cosine and sine of each, interleaved.
void rotate_row(float* x, const float* turns, int64_t n);

/// Whether the loops above may read or write the tensor's memory in order: a contiguous float32 or
/// bfloat16 tensor of this processor that no gradient is wanted of.
bool is_plain(const at::Tensor& t);

/// Rows that are worth a thread of their own.
inline int64_t rows_per_thread(int64_t width) {
  constexpr int64_t kValues = 1 << 15;
  return std::max<int64_t>(1, kValues / width);
}

}  // namespace mw::ops
