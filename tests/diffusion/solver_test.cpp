// SPDX-License-Identifier: Apache-2.0
#include "mw/diffusion/solver.h"

#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <string>

#include "mw/diffusion/sampler.h"
#include "tests/support/tensors.h"

namespace mw::diffusion {
namespace {

std::unique_ptr<Solver> solver_of(const std::string& name, int64_t steps, double shift,
                                  GridOwner owner = GridOwner::kReference) {
  const SamplerChoice choice = parse_sampler(name, owner, "test");
  return make_solver(choice.solver, make_schedule(choice.grid, steps, shift));
}

/// Samples after every step of the published toy problem v = 0.3 x + 0.001 t - 0.2.
std::vector<at::Tensor> toy_trajectory(const std::string& name, int64_t steps, double shift) {
  const std::unique_ptr<Solver> solver = solver_of(name, steps, shift);
  std::vector<at::Tensor> samples;
  at::Tensor x = at::tensor({0.5, -1.25}, at::kFloat);
  while (!solver->is_done()) {
    x = solver->step(x, x.mul(0.3).add(0.001 * solver->timestep() - 0.2));
    samples.push_back(x);
  }
  return samples;
}

struct Published {
  std::string name;
  int64_t steps;
  double shift;
  std::vector<std::vector<double>> last_samples;
};

class PublishedToyTest : public ::testing::TestWithParam<Published> {};

TEST_P(PublishedToyTest, MatchesTheOriginal) {
  const Published& want = GetParam();
  const std::vector<at::Tensor> got = toy_trajectory(want.name, want.steps, want.shift);
  ASSERT_EQ(got.size(), static_cast<size_t>(want.steps));
  const size_t first = got.size() - want.last_samples.size();
  for (size_t i = 0; i < want.last_samples.size(); ++i) {
    EXPECT_TENSOR_NEAR(got[first + i], at::tensor(want.last_samples[i], at::kFloat), 2e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(WanCode, PublishedToyTest,
                         ::testing::Values(Published{"unipc",
                                                     4,
                                                     5,
                                                     {{0.4406549, -1.2765145},
                                                      {0.3529395, -1.3108994},
                                                      {0.2176104, -1.3445083},
                                                      {-0.0880386, -1.3574065}}},
                                           Published{"dpm++",
                                                     4,
                                                     5,
                                                     {{0.440625, -1.2765625},
                                                      {0.3500846, -1.3134408},
                                                      {0.2099921, -1.3512399},
                                                      {-0.0950065, -1.3635074}}},
                                           Published{"unipc", 6, 3, {{0.0607588, -1.2268736}}},
                                           Published{"dpm++", 6, 3, {{0.0513101, -1.2351321}}},
                                           Published{"unipc", 20, 8, {{0.0924176, -1.1990728}}},
                                           Published{"dpm++", 20, 8, {{0.0918493, -1.1995188}}}));

/// Trajectories of diffusers' schedulers over a bent velocity field; see tools/goldens/solvers.py.
TEST(SolverTest, MatchesDiffusersOver4And30And50Steps) {
  const nn::TensorMap golden = test::load_golden("diffusion/solvers");
  int num_compared = 0;
  for (const std::string name : {"unipc", "unipc-new", "dpm++", "euler"}) {
    for (const int64_t steps : {4, 30, 50}) {
      const std::string key = name + "." + std::to_string(steps);
      const double shift = golden.at(key + ".shift").item<double>();
      const auto solver = name == "unipc-new"
                              ? solver_of("unipc:diffusers", steps, shift)
                              : solver_of(name, steps, shift, GridOwner::kDiffusersOld);
      const at::Tensor samples = golden.at(key + ".samples");  // [steps + 1, N]
      const at::Tensor timesteps = golden.at(key + ".timesteps");
      at::Tensor x = samples[0];
      for (int64_t i = 0; i < steps; ++i) {
        EXPECT_NEAR(solver->timestep(), timesteps[i].item<double>(), 1e-3) << key << " step " << i;
        // The velocity sees whole samples of the reference's precision, as a network would.
        const double t = timesteps[i].item<double>();
        x = solver->step(x, x.mul(3).sin().mul(0.2).add(x, 0.4).add(0.0005 * t - 0.1));
        EXPECT_TENSOR_NEAR(x, samples[i + 1], 1e-5) << key << " step " << i;
        ++num_compared;
      }
    }
  }
  EXPECT_EQ(num_compared, 4 * (4 + 30 + 50));
}

TEST(SolverTest, ConstantVelocityEndsAtTheCleanLatent) {
  const at::Tensor noise = test::random_tensor({2, 3}, 1), clean = test::random_tensor({2, 3}, 2);
  const at::Tensor velocity = noise.sub(clean);
  for (const std::string name : {"unipc", "dpm++", "euler", "unipc:diffusers", "dpm++:diffusers"}) {
    for (const int64_t steps : {1, 2, 3, 5, 20}) {
      const SamplerChoice choice = parse_sampler(name, GridOwner::kReference, "test");
      const NoiseSchedule schedule = make_schedule(choice.grid, steps, 5);
      const double sigma = schedule.sigmas[0];  // Not quite 1 on most grids.
      const auto solver = make_solver(choice.solver, schedule);
      const at::Tensor start = clean.mul(1 - sigma).add(noise, sigma);
      EXPECT_TENSOR_NEAR(sample(
                             *solver, [&](const at::Tensor&, double) { return velocity; }, start),
                         clean, 2e-5)
          << name << " " << steps;
    }
  }
}

TEST(SolverTest, EndsAndShapesAreChecked) {
  const auto solver = solver_of("unipc", 1, 3);
  const at::Tensor x = test::random_tensor({2}, 1);
  EXPECT_ERROR(solver->step(x, test::random_tensor({3}, 1)), ErrorCode::kInvalidArgument,
               "velocity must be [2], got [3]");
  solver->step(x, x);
  EXPECT_TRUE(solver->is_done());
  EXPECT_ERROR(solver->step(x, x), ErrorCode::kInvalidArgument, "all 1 steps are done");
}

TEST(SamplerNameTest, GridFollowsTheModelUnlessNamed) {
  const auto grid = [](const char* name, GridOwner owner) {
    return parse_sampler(name, owner, "test").grid;
  };
  EXPECT_EQ(grid("unipc", GridOwner::kReference), Grid::kUniPC);
  EXPECT_EQ(grid("unipc", GridOwner::kDiffusers), Grid::kUniPCDiffusers);
  EXPECT_EQ(grid("unipc", GridOwner::kDiffusersOld), Grid::kFlowDiffusers);
  EXPECT_EQ(grid("unipc:reference", GridOwner::kDiffusers), Grid::kUniPC);
  EXPECT_EQ(grid("dpm++", GridOwner::kReference), Grid::kDPMSolver);
  EXPECT_EQ(grid("dpm++:diffusers", GridOwner::kReference), Grid::kFlowDiffusers);
  EXPECT_EQ(grid("euler:reference", GridOwner::kDiffusers), Grid::kEulerDiffusers);
  for (const char* name :
       {"unipc:reference", "unipc:diffusers", "dpm++:reference", "dpm++:diffusers", "euler"}) {
    EXPECT_EQ(sampler_name(parse_sampler(name, GridOwner::kReference, "test")), name);
  }
}

TEST(SamplerNameTest, OtherNamesAreRefused) {
  EXPECT_ERROR(parse_sampler("heun", GridOwner::kReference, "--sampler"),
               ErrorCode::kInvalidArgument,
               "--sampler: wanted unipc, dpm++ or euler, perhaps with :reference or :diffusers, "
               "got 'heun'");
  EXPECT_ERROR(parse_sampler("unipc:mine", GridOwner::kReference, "--sampler"),
               ErrorCode::kInvalidArgument, "wanted reference or diffusers, got 'unipc:mine'");
}

}  // namespace
}  // namespace mw::diffusion
