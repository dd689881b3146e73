// SPDX-License-Identifier: Apache-2.0
#include "mw/diffusion/sampler.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include "tests/support/tensors.h"

namespace mw::diffusion {
namespace {

NoiseSchedule stream(int64_t steps) { return make_schedule(Grid::kStream, steps, 3); }

TEST(SamplerTest, ZeroVelocityReturnsTheNoise) {
  const at::Tensor noise = test::random_tensor({2, 3}, 1);
  const Denoiser still = [](const at::Tensor& x, double) { return at::zeros_like(x); };
  EXPECT_TENSOR_NEAR(sample_euler(still, noise, stream(7)), noise, test::kExact);
}

TEST(SamplerTest, StraightPathsEndAtTheCleanLatent) {
  const at::Tensor noise = test::random_tensor({2, 3}, 1), clean = test::random_tensor({2, 3}, 2);
  const Denoiser straight = [&](const at::Tensor&, double) { return noise.sub(clean); };
  // The velocity towards one clean latent from wherever x is, which all samplers must agree on.
  const Denoiser towards = [&](const at::Tensor& x, double timestep) {
    return x.sub(clean).div(timestep / 1000);
  };
  at::Generator random = at::detail::createCPUGenerator(3);
  for (const int64_t steps : {1, 2, 5}) {
    EXPECT_TENSOR_NEAR(sample_euler(straight, noise, stream(steps)), clean, test::kFp32Reordered);
    EXPECT_TENSOR_NEAR(sample_euler(towards, noise, stream(steps)), clean, test::kFp32Reordered);
    EXPECT_TENSOR_NEAR(sample_consistency(towards, noise, stream(steps), random), clean,
                       test::kFp32Reordered);
  }
}

TEST(SamplerTest, OneConsistencyStepIsTheEstimate) {
  const at::Tensor noise = test::random_tensor({2, 3}, 1),
                   velocity = test::random_tensor({2, 3}, 2);
  at::Generator random = at::detail::createCPUGenerator(3);
  const Denoiser denoiser = [&](const at::Tensor&, double timestep) {
    EXPECT_EQ(timestep, 1000);
    return velocity;
  };
  EXPECT_TENSOR_NEAR(sample_consistency(denoiser, noise, stream(1), random), noise.sub(velocity),
                     test::kExact);
}

TEST(SamplerTest, ConsistencyNoiseIsFreshAndSeeded) {
  const at::Tensor noise = test::random_tensor({2, 300}, 1);
  // The clean latent is always 0, so that the second call sees nothing but the noise.
  const auto second_input = [&](uint64_t seed) {
    at::Generator random = at::detail::createCPUGenerator(seed);
    at::Tensor seen;
    const Denoiser denoiser = [&](const at::Tensor& x, double timestep) {
      seen = x;
      return x.div(timestep / 1000);
    };
    sample_consistency(denoiser, noise, stream(2), random);
    return seen;
  };
  EXPECT_TENSOR_NEAR(second_input(5), second_input(5), test::kExact);
  EXPECT_GT(second_input(5).sub(second_input(6)).abs().max().item<double>(), 0.1);
  EXPECT_NEAR(second_input(5).std().item<double>(), shifted_sigma(0.5, 3), 0.05);
}

}  // namespace
}  // namespace mw::diffusion
