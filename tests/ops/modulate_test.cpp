// SPDX-License-Identifier: Apache-2.0
#include "mw/ops/modulate.h"

#include <gtest/gtest.h>

#include "tests/support/tensors.h"

namespace mw::ops {
namespace {

class ModulateTest : public ::testing::Test {
 protected:
  at::Tensor x_ = test::random_tensor({2, 6, 5}, 1);  // Two frames of three tokens.
  at::Tensor a_ = test::random_tensor({2, 2, 5}, 2), b_ = test::random_tensor({2, 2, 5}, 3);
  at::Tensor per_token(const at::Tensor& frames) { return frames.repeat_interleave(3, 1); }
};

TEST_F(ModulateTest, EachFrameHasItsShiftAndScale) {
  const at::Tensor x = x_.to(at::kDouble);
  const at::Tensor centred = x.sub(x.mean(-1, true));
  const at::Tensor normal = centred.div(centred.square().mean(-1, true).add(1e-6).sqrt());
  EXPECT_TENSOR_NEAR(modulated_norm(x_, a_, b_, 3, 1e-6, at::kFloat),
                     normal.mul(per_token(b_).add(1)).add(per_token(a_)), test::kFp32Reordered);
  EXPECT_EQ(modulated_norm(x_, a_, b_, 3, 1e-6, at::kBFloat16).scalar_type(), at::kBFloat16);
}

TEST_F(ModulateTest, EachFrameHasItsGate) {
  const at::Tensor y = test::random_tensor({2, 6, 5}, 4);
  EXPECT_TENSOR_NEAR(gated_add(x_, y, a_, 3), x_.add(y.mul(per_token(a_))), test::kFp32Reordered);
}

TEST_F(ModulateTest, OneRowServesEveryFrame) {
  const at::Tensor one = a_.narrow(1, 0, 1);
  EXPECT_TENSOR_NEAR(gated_add(x_, x_, one, 3), gated_add(x_, x_, one.expand({2, 2, 5}), 3),
                     test::kExact);
}

}  // namespace
}  // namespace mw::ops
