// SPDX-License-Identifier: Apache-2.0
#include "mw/diffusion/guidance.h"

#include <gtest/gtest.h>

#include "tests/support/tensors.h"

namespace mw::diffusion {
namespace {

TEST(GuidanceTest, ScaleMovesFromNegativeThroughPositive) {
  const at::Tensor positive = test::random_tensor({2, 3}, 1),
                   negative = test::random_tensor({2, 3}, 2);
  EXPECT_TENSOR_NEAR(guided_velocity(positive, negative, 0), negative, test::kExact);
  EXPECT_TENSOR_NEAR(guided_velocity(positive, negative, 1), positive, 1e-6);
  EXPECT_TENSOR_NEAR(guided_velocity(positive, negative, 5), positive.mul(5).sub(negative, 4),
                     1e-5);
}

TEST(GuidanceTest, LastPartGoesWithout) {
  const GuidanceConfig guidance{.scale = 3, .skip_ratio = 0.25};
  int on = 0;
  for (int step = 0; step < 20; ++step) on += guidance.is_on_at(step, 20) ? 1 : 0;
  EXPECT_EQ(on, 15);
  EXPECT_TRUE(guidance.is_on_at(14, 20));
  EXPECT_FALSE(guidance.is_on_at(15, 20));
  EXPECT_TRUE((GuidanceConfig{.scale = 3}.is_on_at(19, 20)));
  EXPECT_FALSE((GuidanceConfig{.scale = 1}.is_on_at(0, 20)));
}

}  // namespace
}  // namespace mw::diffusion
