// SPDX-License-Identifier: Apache-2.0
#include "mw/diffusion/noise_schedule.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/expect_error.h"

namespace mw::diffusion {
namespace {

/// A row of a reference implementation's table.
struct Row {
  Grid grid;
  int64_t steps;
  double shift;
  std::vector<double> sigmas;     // The first ones.
  std::vector<double> timesteps;  // The first ones.
};

class NoiseScheduleTest : public ::testing::TestWithParam<Row> {};

TEST_P(NoiseScheduleTest, MatchesReference) {
  const Row& row = GetParam();
  const NoiseSchedule got = make_schedule(row.grid, row.steps, row.shift);
  ASSERT_EQ(got.num_steps(), row.steps);
  EXPECT_EQ(got.sigmas.size(), static_cast<size_t>(row.steps + 1));
  EXPECT_EQ(got.sigmas.back(), 0);
  for (size_t i = 0; i < row.sigmas.size(); ++i) EXPECT_NEAR(got.sigmas[i], row.sigmas[i], 1e-7);
  for (size_t i = 0; i < row.timesteps.size(); ++i) {
    EXPECT_NEAR(got.timesteps[i], row.timesteps[i], 1e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Published, NoiseScheduleTest,
    ::testing::Values(
        Row{Grid::kUniPC,
            4,
            5,
            {0.99979985, 0.93726546, 0.83305538, 0.62468737, 0},
            {999, 937, 833, 624}},
        Row{Grid::kUniPC,
            10,
            3,
            {0.99966645, 0.9639411, 0.92272168, 0.87463522},
            {999, 963, 922, 874, 817, 749, 666, 562, 428, 249}},
        Row{Grid::kUniPC,
            50,
            5,
            {0.99979985, 0.99573237, 0.99153048},
            {999, 995, 991, 987, 982, 978, 973, 968, 963, 957}},
        Row{Grid::kUniPC,
            40,
            3,
            {0.99966645, 0.99118912, 0.98241949},
            {999, 991, 982, 973, 963, 954}},
        Row{Grid::kUniPC, 30, 3, {}, {999, 988, 976, 963, 950, 937, 922, 907, 891, 874,
                                      856, 837, 817, 796, 773, 749, 723, 696, 666, 634,
                                      599, 562, 521, 476, 428, 374, 315, 249, 176, 93}},
        Row{Grid::kDPMSolver, 4, 5, {1, 0.9375, 0.83333331, 0.625, 0}, {1000, 937, 833, 625}},
        Row{Grid::kDPMSolver,
            10,
            3,
            {1, 0.96428573, 0.92307693, 0.875},
            {1000, 964, 923, 874, 818, 750, 666, 562, 428, 249}},
        Row{Grid::kFlowDiffusers,
            4,
            5,
            {0.99979985, 0.93726546, 0.83305538, 0.62468731, 0},
            {999, 937, 833, 624}},
        Row{Grid::kStream, 4, 5, {1, 0.9375, 0.83333333, 0.625, 0}, {1000, 937.5, 833.3333, 625}},
        Row{Grid::kStream, 10, 3, {1, 0.96428571, 0.92307692, 0.875}, {}},
        Row{Grid::kEulerDiffusers,
            4,
            3,
            {1, 0.8576923, 0.6021505, 0.0089286, 0},
            {1000, 857.6923, 602.1505, 8.9286}},
        Row{Grid::kEulerDiffusers,
            4,
            5,
            {1, 0.9097072, 0.7173174, 0.0244141, 0},
            {1000, 909.7072, 717.3174, 24.4141}},
        Row{Grid::kUniPCDiffusers,
            4,
            3,
            {0.99999899, 0.90011996, 0.75037479, 0.50099897, 0},
            {999, 900, 750, 500}}));

TEST(NoiseScheduleTest, MicroWorldsEulerShiftsTwice) {
  const NoiseSchedule got = make_schedule(Grid::kEulerDiffusers, 30, 5);
  const std::vector<double> first = {1, 0.992944, 0.985478, 0.977566},
                            last = {0.284308, 0.169773, 0.024414};
  for (size_t i = 0; i < first.size(); ++i) EXPECT_NEAR(got.sigmas[i], first[i], 1e-6);
  for (size_t i = 0; i < last.size(); ++i) EXPECT_NEAR(got.sigmas[27 + i], last[i], 1e-6);
}

TEST(NoiseScheduleTest, ImpossibleOnesAreRefused) {
  EXPECT_ERROR(make_schedule(Grid::kStream, 0, 3), ErrorCode::kInvalidArgument,
               "must be positive, got 0 and 3");
  EXPECT_ERROR(make_schedule(Grid::kUniPC, 3, 0), ErrorCode::kInvalidArgument, "got 3 and 0");
}

TEST(NoiseScheduleTest, ShiftKeepsTheEnds) {
  for (const double shift : {0.5, 1.0, 8.0}) {
    EXPECT_EQ(shifted_sigma(0, shift), 0);
    EXPECT_NEAR(shifted_sigma(1, shift), 1, 1e-12);
  }
  EXPECT_NEAR(shifted_sigma(0.6, 8), 0.9230769, 1e-7);
}

}  // namespace
}  // namespace mw::diffusion
