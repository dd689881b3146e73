// SPDX-License-Identifier: Apache-2.0
#include "mw/ops/int8_linear.h"

#include <ATen/ops/linear.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <array>

#include "tests/support/tensors.h"

namespace mw::ops {
namespace {

using test::random_tensor;

double error_of(const at::Tensor& got, const at::Tensor& wanted) {
  const at::Tensor exact = wanted.to(at::kDouble);
  return got.to(at::kDouble).sub(exact).square().mean().div(exact.square().mean()).item<double>();
}

TEST(Int8LinearTest, WeightsAreRoundedToTheNearestStep) {
  const at::Tensor weight = random_tensor({24, 40}, 1);
  const Int8Weight rounded = quantize_int8(weight);
  EXPECT_EQ(rounded.values.abs().amax(1).to(at::kFloat).min().item<float>(), 127);
  const at::Tensor steps = dequantized(rounded).sub(weight).abs().div(rounded.scales.unsqueeze(1));
  EXPECT_LE(steps.max().item<float>(), 0.5001F);
}

class Int8LinearDtypeTest : public ::testing::TestWithParam<at::ScalarType> {};

TEST_P(Int8LinearDtypeTest, KernelEqualsTheComposition) {
  // Widths around what vectors hold; odd ones leave a rest.
  for (const auto& [rows, in, out] :
       {std::array<int64_t, 3>{5, 64, 32}, {1, 7, 3}, {33, 130, 65}}) {
    const Int8Weight weight = quantize_int8(random_tensor({out, in}, 2));
    const at::Tensor x = random_tensor({2, rows, in}, 3).to(GetParam());
    const at::Tensor bias = random_tensor({out}, 4).to(GetParam());
    for (const at::Tensor& offset : {bias, at::Tensor()}) {
      const at::Tensor got = int8_linear(x, weight, offset);
      EXPECT_EQ(got.scalar_type(), GetParam());
      EXPECT_EQ(got.sizes(), at::IntArrayRef({2, rows, out}));
      // Halves may round either way after the division, which moves a sum by one weight's step; in
      // bfloat16 the result may then be the next number, 0.25 from 32 on.
      EXPECT_TENSOR_NEAR(got, int8_linear_composed(x, weight, offset),
                         GetParam() == at::kFloat ? 0.05 : 0.26);
      EXPECT_LT(error_of(got, int8_linear_composed(x, weight, offset)), 2e-5);
    }
  }
}

// Uniform rounding to 254 steps over 2 * 3.5 deviations leaves 1e-4 of the power for weights and
// for activations each.
TEST_P(Int8LinearDtypeTest, ErrorAgainstTheExactProductIsBounded) {
  const at::Tensor weight = random_tensor({96, 512}, 5).mul(0.05), bias = random_tensor({96}, 6);
  const at::Tensor x = random_tensor({1, 64, 512}, 7);
  const at::Tensor got = int8_linear(x.to(GetParam()), quantize_int8(weight), bias);
  EXPECT_LT(error_of(got, at::linear(x, weight, bias)), 3e-4);
}

INSTANTIATE_TEST_SUITE_P(Dtypes, Int8LinearDtypeTest, ::testing::Values(at::kFloat, at::kBFloat16),
                         [](const auto& dtype) { return at::toString(dtype.param); });

TEST(Int8LinearTest, ARowOfZerosGivesTheBias) {
  const Int8Weight weight = quantize_int8(random_tensor({4, 8}, 8));
  const at::Tensor bias = random_tensor({4}, 9);
  EXPECT_TENSOR_NEAR(int8_linear(at::zeros({1, 8}), weight, bias), bias.unsqueeze(0), test::kExact);
  const Int8Weight nothing = quantize_int8(at::zeros({4, 8}));
  EXPECT_TENSOR_NEAR(int8_linear(random_tensor({1, 8}, 1), nothing, {}), at::zeros({1, 4}),
                     test::kExact);
}

TEST(Int8LinearTest, ARowDoesNotDependOnItsNeighbours) {
  const Int8Weight weight = quantize_int8(random_tensor({16, 32}, 1));
  const at::Tensor x = random_tensor({6, 32}, 2);
  at::Tensor louder = x.clone();
  louder.select(0, 5).mul_(1000);
  EXPECT_TENSOR_NEAR(int8_linear(louder, weight, {}).narrow(0, 0, 5),
                     int8_linear(x, weight, {}).narrow(0, 0, 5), test::kExact);
}

TEST(Int8LinearTest, WrongShapesAreNamed) {
  const Int8Weight weight = quantize_int8(random_tensor({4, 8}, 8));
  EXPECT_ERROR(int8_linear(random_tensor({1, 7}, 1), weight, {}), ErrorCode::kInvalidArgument,
               "x must be [..., 8], got [1, 7]");
}

}  // namespace
}  // namespace mw::ops
