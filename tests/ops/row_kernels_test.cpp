// SPDX-License-Identifier: Apache-2.0
// The loops for rows against ATen's own operations, which a wanted gradient selects.
#include "mw/ops/row_kernels.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "mw/ops/modulate.h"
#include "mw/ops/norm.h"
#include "mw/ops/rope.h"

namespace mw::ops {
namespace {

constexpr int64_t kFrames = 3, kTokens = 5, kWidth = 36;
constexpr double kEps = 1e-6;

at::Tensor with_gradient(const at::Tensor& t) { return t.detach().clone().requires_grad_(true); }

void expect_equal(const at::Tensor& fast, const at::Tensor& slow) {
  ASSERT_EQ(fast.scalar_type(), slow.scalar_type());
  const double tolerance = fast.scalar_type() == at::kFloat ? 2e-6 : 1.0 / 128;  // One rounding.
  EXPECT_TRUE(at::allclose(fast.to(at::kFloat), slow.detach().to(at::kFloat), tolerance, tolerance))
      << fast.to(at::kFloat).sub(slow.to(at::kFloat)).abs().max();
}

class RowKernelsTest : public ::testing::TestWithParam<at::ScalarType> {
 protected:
  at::Tensor random(at::IntArrayRef sizes) const { return at::randn(sizes).to(GetParam()); }
};

TEST_P(RowKernelsTest, NormsEqualAtens) {
  const at::Tensor x = random({2, kFrames * kTokens, kWidth}).mul(3).add(1);
  const at::Tensor weight = random({kWidth}), bias = random({kWidth});
  ASSERT_TRUE(is_plain(x));
  ASSERT_FALSE(is_plain(with_gradient(x)));
  expect_equal(rms_norm(x, weight, kEps), rms_norm(with_gradient(x), weight, kEps));
  expect_equal(layer_norm(x, weight, bias, kEps), layer_norm(with_gradient(x), weight, bias, kEps));
  expect_equal(layer_norm(x, {}, {}, kEps), layer_norm(with_gradient(x), {}, {}, kEps));
}

TEST_P(RowKernelsTest, ModulationAndGatesEqualAtens) {
  const at::Tensor x = at::randn({2, kFrames * kTokens, kWidth}), y = random(x.sizes());
  for (const int64_t frames : {int64_t{1}, kFrames}) {  // One modulation for all, or one each.
    const at::Tensor parts = at::randn({2, frames, 3, kWidth});
    const at::Tensor a = parts.select(2, 0), b = parts.select(2, 1), c = parts.select(2, 2);
    expect_equal(modulated_norm(x, a, b, kTokens, kEps, GetParam()),
                 modulated_norm(with_gradient(x), a, b, kTokens, kEps, GetParam()));
    expect_equal(gated_add(x, y, c, kTokens), gated_add(with_gradient(x), y, c, kTokens));
  }
}

TEST_P(RowKernelsTest, RotationsEqualAtens) {
  const RopeTable table(at::rand({kTokens, kWidth / 2}, at::kDouble).mul(6));
  const at::Tensor x = random({2, kTokens, 3, kWidth});
  expect_equal(table.rotate(x), table.rotate(with_gradient(x)));
  expect_equal(table.slice(2, 2).rotate(x.narrow(1, 2, 2).contiguous()),
               table.rotate(with_gradient(x)).narrow(1, 2, 2));
}

INSTANTIATE_TEST_SUITE_P(DTypes, RowKernelsTest, ::testing::Values(at::kFloat, at::kBFloat16));

TEST(RowKernelsTest, BfloatsRoundAsAtensDo) {
  std::vector<float> values = {0,
                               -0.0F,
                               1,
                               1.00390625F,
                               1.01171875F,
                               -3.3e38F,
                               3.4e38F,
                               1e-40F,
                               std::numeric_limits<float>::infinity(),
                               std::numeric_limits<float>::quiet_NaN()};
  const at::Tensor given = at::tensor(values);
  at::Tensor stored = at::empty_like(given, at::kBFloat16);
  store_row(values.data(), stored.mutable_data_ptr(), at::kBFloat16, given.numel());
  EXPECT_TRUE(at::allclose(stored.to(at::kFloat), given.to(at::kBFloat16).to(at::kFloat), 0, 0,
                           /*equal_nan=*/true))
      << stored;
  std::vector<float> loaded(values.size());
  load_row(stored.const_data_ptr(), at::kBFloat16, loaded.data(), given.numel());
  EXPECT_TRUE(at::allclose(at::tensor(loaded), stored.to(at::kFloat), 0, 0, true));
}

}  // namespace
}  // namespace mw::ops
