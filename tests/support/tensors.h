// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include <string>

#include "mw/core/error.h"
#include "mw/nn/tensor_file.h"
#include "tests/support/expect_error.h"

namespace mw::test {

// Largest absolute differences that tests accept, each with its reason.
inline constexpr double kExact = 0;             // The same kernels on the same values.
inline constexpr double kFp32Reordered = 2e-5;  // The same maths in another order of summation.
inline constexpr double kFp32Parity = 1e-4;     // Another library's kernels, unit-scale outputs.
inline constexpr double kBf16Parity = 1e-4;     // Mean squared error over the reference's power.

/// Tensors of `tests/goldens/<name>.safetensors`, made by `tools/goldens/`.
nn::TensorMap load_golden(const std::string& name);

/// Largest absolute difference within `tolerance`, with the place of the worst element.
::testing::AssertionResult tensors_near(const at::Tensor& got, const at::Tensor& wanted,
                                        double tolerance);

/// Standard normal values from a seed, float32.
at::Tensor random_tensor(at::IntArrayRef shape, uint64_t seed);

/// `sin(c * i)` over the flat index, the input of published golden vectors.
at::Tensor ramp(at::IntArrayRef shape, double c);

}  // namespace mw::test

#define EXPECT_TENSOR_NEAR(got, wanted, tolerance) \
  EXPECT_TRUE(::mw::test::tensors_near(got, wanted, tolerance))
