// SPDX-License-Identifier: Apache-2.0
#include "mw/diffusion/tea_cache.h"

#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <vector>

namespace mw::diffusion {
namespace {

/// Decisions over features that all have the given values, one after another.
std::vector<bool> decisions(const TeaCacheConfig& config, const std::vector<double>& features) {
  TeaCache cache(config);
  std::vector<bool> needed;
  for (const double value : features)
    needed.push_back(cache.needs_blocks(at::full({1, 6, 4}, value)));
  return needed;
}

// The polynomial 1 * r: the estimate is the relative change itself.
constexpr std::array<double, 5> kIdentity = {0, 0, 0, 1, 0};

TEST(TeaCacheTest, ChangesAddUpUntilTheThreshold) {
  // Each step changes by 10 percent of the one before; 0.1 + 0.1 stays below 0.25, the third does
  // not, and the sum begins anew.
  std::vector<double> features;
  for (double value = 1; features.size() < 9; value *= 1.1) features.push_back(value);
  EXPECT_EQ(decisions({.polynomial = kIdentity, .threshold = 0.25, .start_steps = 2}, features),
            (std::vector<bool>{true, true, false, false, true, false, false, true, false}));
}

TEST(TeaCacheTest, ChangeIsTakenFromTheStepBeforeNotFromTheLastComputed) {
  // 1 -> 1.2 -> 1: the second change is 1/6 of 1.2, though the value is back where blocks ran.
  EXPECT_EQ(
      decisions({.polynomial = kIdentity, .threshold = 0.3, .start_steps = 0}, {1, 1.2, 1, 1}),
      (std::vector<bool>{true, false, true, false}));
}

TEST(TeaCacheTest, FirstStepsAreComputedAndLeaveNoDebt) {
  EXPECT_EQ(
      decisions({.polynomial = kIdentity, .threshold = 0.3, .start_steps = 3}, {1, 5, 9, 9, 9}),
      (std::vector<bool>{true, true, true, false, false}));
}

TEST(TeaCacheTest, ThresholdZeroComputesEverything) {
  EXPECT_EQ(decisions({.polynomial = kIdentity, .threshold = 0, .start_steps = 0}, {1, 1, 1}),
            (std::vector<bool>{true, true, true}));
}

TEST(TeaCacheTest, SkippedStepsAreCounted) {
  TeaCache cache({.polynomial = kIdentity, .threshold = 1, .start_steps = 1});
  for (int i = 0; i < 4; ++i) cache.needs_blocks(at::full({2}, 3.0));
  EXPECT_EQ(cache.num_skipped(), 3);
}

TEST(TeaCacheTest, PolynomialIsOfItsFamilyHighestPowerFirst) {
  // 1.3B at a change of 0.1: -5.21862437 + 9.23041404 - 5.28275948 + 1.36987616 - 0.0499875664.
  const auto polynomial = tea_cache_polynomial("t2v-1.3b");
  ASSERT_TRUE(polynomial);
  const double estimate = 0.0489187836;
  for (const double margin : {-1e-6, 1e-6}) {
    EXPECT_EQ(
        decisions({.polynomial = *polynomial, .threshold = estimate + margin, .start_steps = 1},
                  {10, 11}),
        (std::vector<bool>{true, margin < 0}));
  }
  EXPECT_EQ(tea_cache_polynomial("ti2v-5b"), tea_cache_polynomial("i2v-14b-720p"));
  EXPECT_NE(tea_cache_polynomial("t2v-14b"), tea_cache_polynomial("i2v-14b-480p"));
  EXPECT_FALSE(tea_cache_polynomial("t2v-2b"));
}

}  // namespace
}  // namespace mw::diffusion
