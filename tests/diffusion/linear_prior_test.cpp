// SPDX-License-Identifier: Apache-2.0
#include "mw/diffusion/linear_prior.h"

#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/tensors.h"

namespace mw::diffusion {
namespace {

at::Tensor scalar(double value) { return at::full({1}, value, at::kFloat); }

TEST(LinearPriorTest, PureNoiseLeadsToTheMean) {
  const at::Tensor x = test::random_tensor({4, 16}, 1), mean = test::random_tensor({4, 16}, 2);
  const at::Tensor velocity = linear_prior_velocity(x, scalar(1), mean, scalar(0.3));
  EXPECT_TENSOR_NEAR(x.sub(velocity), mean, test::kFp32Reordered);
}

TEST(LinearPriorTest, CleanLatentsOnlyLoseTheExpectedNoise) {
  const at::Tensor x = test::random_tensor({4, 16}, 1);
  const at::Tensor velocity = linear_prior_velocity(x, scalar(0), x.mul(2), scalar(0.3));
  EXPECT_TENSOR_NEAR(velocity, x.neg(), test::kFp32Reordered);
}

TEST(LinearPriorTest, IsTheBestLinearEstimate) {
  // Least squares of e - z over x from many draws, against the formula's slope and offset.
  const double mean = 0.7, variance = 0.2, sigma = 0.6;
  const at::Tensor z =
      test::random_tensor({400'000}, 3).to(at::kDouble).mul(std::sqrt(variance)).add(mean);
  const at::Tensor e = test::random_tensor({400'000}, 4).to(at::kDouble);
  const at::Tensor x = z.mul(1 - sigma).add(e, sigma), target = e.sub(z);
  const at::Tensor centred = x.sub(x.mean());
  const double slope = centred.mul(target).mean().div(centred.square().mean()).item<double>();
  const auto formula = [&](double at_x) {
    return linear_prior_velocity(scalar(at_x), scalar(sigma), scalar(mean), scalar(variance))
        .item<double>();
  };
  EXPECT_NEAR(formula(1) - formula(0), slope, 1e-2);
  EXPECT_NEAR(formula(x.mean().item<double>()), target.mean().item<double>(), 1e-2);
}

TEST(LinearPriorTest, CorrectionCountsInDeviationsOfThePrior) {
  // z ~ N(0.7, 0.2): what the prior can't say of e - z, at any noise level, has deviation 1.
  const at::Tensor z = test::random_tensor({400'000}, 3).mul(std::sqrt(0.2)).add(0.7);
  const at::Tensor e = test::random_tensor({400'000}, 4);
  for (const double sigma : {0.1, 0.5, 0.9, 1.0}) {
    const at::Tensor x = z.mul(1 - sigma).add(e, sigma);
    const auto corrected = [&](double learned) {
      return correct_linear_prior(scalar(learned), x, scalar(sigma), scalar(0.7), scalar(0.2));
    };
    const at::Tensor left = e.sub(z).sub(corrected(0)).div(corrected(1).sub(corrected(0)));
    EXPECT_NEAR(left.square().mean().item<double>(), 1, 0.02) << sigma;
  }
}

}  // namespace
}  // namespace mw::diffusion
