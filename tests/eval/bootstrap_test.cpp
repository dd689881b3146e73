// SPDX-License-Identifier: Apache-2.0
#include "mw/eval/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "tests/support/expect_error.h"

namespace mw::eval {
namespace {

TEST(BootstrapTest, HoldsTheNormalInterval) {
  std::mt19937 random(7);
  std::normal_distribution<double> normal(10, 2);
  std::vector<double> samples(400);
  for (double& sample : samples) sample = normal(random);
  const Estimate estimate = bootstrap_mean(samples);
  const double expected = 1.96 * 2 / std::sqrt(400.0);
  EXPECT_NEAR(estimate.mean - estimate.low, expected, 0.15 * expected);
  EXPECT_NEAR(estimate.high - estimate.mean, expected, 0.15 * expected);
}

TEST(BootstrapTest, PairsTakeAwayWhatBothShare) {
  const std::vector<double> a = {1.5, 11.4, 21.6, 31.5}, b = {1, 11, 21, 31};
  const Estimate difference = bootstrap_difference(a, b);
  EXPECT_NEAR(difference.mean, 0.5, 1e-9);
  EXPECT_GE(difference.low, 0.4 - 1e-9);
  EXPECT_LE(difference.high, 0.6 + 1e-9);
  EXPECT_ERROR(bootstrap_difference(a, std::vector<double>{1}), ErrorCode::kInvalidArgument,
               "not paired");
}

TEST(BootstrapTest, NothingIsZero) { EXPECT_EQ(bootstrap_mean({}).mean, 0); }

}  // namespace
}  // namespace mw::eval
