// SPDX-License-Identifier: Apache-2.0
#include "mw/ops/row_kernels.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

// Sanitizers and other compilers have no use for several builds of a function.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define MW_BEST_OF __attribute__((target_clones("default", "avx2,fma", "arch=skylake-avx512")))
#else
#define MW_BEST_OF
#endif

namespace mw::ops {
namespace {

MW_BEST_OF void float_of_bfloat(const uint16_t* from, float* to, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i)
    to[i] = std::bit_cast<float>(static_cast<uint32_t>(from[i]) << 16);
}

MW_BEST_OF void bfloat_of_float(const float* from, uint16_t* to, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const auto bits = std::bit_cast<uint32_t>(from[i]);
    const uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
    const bool is_nan = (bits & 0x7fffffffU) > 0x7f800000U;
    to[i] = static_cast<uint16_t>(is_nan ? 0x7fc0U : rounded);
  }
}

}  // namespace

void load_row(const void* from, at::ScalarType dtype, float* to, int64_t n) {
  if (dtype == at::kFloat) {
    std::memcpy(to, from, static_cast<size_t>(n) * sizeof(float));
  } else {
    float_of_bfloat(static_cast<const uint16_t*>(from), to, n);
  }
}

void store_row(const float* from, void* to, at::ScalarType dtype, int64_t n) {
  if (dtype == at::kFloat) {
    std::memcpy(to, from, static_cast<size_t>(n) * sizeof(float));
  } else {
    bfloat_of_float(from, static_cast<uint16_t*>(to), n);
  }
}

MW_BEST_OF Moments moments_of(const float* x, int64_t n) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += x[i];
  const float mean = sum / static_cast<float>(n);
  float square = 0;  // In a second pass: the difference of large sums would cost digits.
#pragma omp simd reduction(+ : square)
  for (int64_t i = 0; i < n; ++i) square += (x[i] - mean) * (x[i] - mean);
  return {mean, square / static_cast<float>(n)};
}

MW_BEST_OF float mean_square_of(const float* x, int64_t n) {
  float square = 0;
#pragma omp simd reduction(+ : square)
  for (int64_t i = 0; i < n; ++i) square += x[i] * x[i];
  return square / static_cast<float>(n);
}

MW_BEST_OF void centre_row(float* x, float mean, float factor, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) x[i] = (x[i] - mean) * factor;
}

MW_BEST_OF void modulate_row(float* x, const float* scale, const float* shift, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) x[i] = x[i] * (1 + scale[i]) + shift[i];
}

MW_BEST_OF void affine_row(float* x, const float* weight, const float* bias, int64_t n) {
  if (bias == nullptr) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) x[i] *= weight[i];
  } else {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) x[i] = x[i] * weight[i] + bias[i];
  }
}

MW_BEST_OF void gated_add_row(float* x, const float* y, const float* gate, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) x[i] += y[i] * gate[i];
}

MW_BEST_OF float largest_of(const float* x, int64_t n) {
  float largest = 0;
#pragma omp simd reduction(max : largest)
  for (int64_t i = 0; i < n; ++i) largest = std::max(largest, std::abs(x[i]));
  return largest;
}

MW_BEST_OF void round_row(const float* x, float factor, int8_t* to, int64_t n) {
  // Adding and taking away 1.5 * 2^23 leaves the nearest integer, even at halves.
  constexpr float kRounder = 12582912.0F;
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float rounded = (x[i] * factor + kRounder) - kRounder;
    to[i] = static_cast<int8_t>(static_cast<int32_t>(rounded));
  }
}

MW_BEST_OF void scale_row(const int32_t* sums, float factor, const float* scales, const float* bias,
                          float* y, int64_t n) {
  if (bias == nullptr) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) y[i] = static_cast<float>(sums[i]) * (factor * scales[i]);
    return;
  }
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    y[i] = static_cast<float>(sums[i]) * (factor * scales[i]) + bias[i];
  }
}

MW_BEST_OF void rotate_row(float* x, const float* turns, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n / 2; ++i) {
    const float even = x[2 * i], odd = x[2 * i + 1];
    x[2 * i] = even * turns[2 * i] - odd * turns[2 * i + 1];
    x[2 * i + 1] = even * turns[2 * i + 1] + odd * turns[2 * i];
  }
}

bool is_plain(const at::Tensor& t) {
  const bool has_dtype = t.scalar_type() == at::kFloat || t.scalar_type() == at::kBFloat16;
  const bool wants_gradient = at::GradMode::is_enabled() && t.requires_grad();
  return t.is_cpu() && has_dtype && t.is_contiguous() && !wants_gradient;
}

}  // namespace mw::ops
