// SPDX-License-Identifier: Apache-2.0
#include "mw/models/prior/camera_prior.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "mw/nn/parameter_store.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"

namespace mw::prior {
namespace {

at::Tensor pose(double yaw, double pitch, double x, double z) {
  return at::tensor({yaw, pitch, x, 0.0, z}, at::kDouble).unsqueeze(0);
}

/// A small autoencoder with random weights: what the prior does does not depend on its quality.
class CameraPriorTest : public ::testing::Test {
 protected:
  CameraPriorTest()
      : store_(nn::ParameterStore::created(1)),
        vae_(vae::FrameVAEConfig{}, nn::WeightScope(store_)) {}

  View view(const at::Tensor& at_pose) const { return {latents_, frame_, at_pose}; }

  nn::ParameterStore store_;
  vae::FrameVAE vae_;
  at::Tensor frame_ = test::random_tensor({1, 3, 96, 176}, 2).tanh();
  at::Tensor latents_ = vae_.encode(frame_);
};

TEST_F(CameraPriorTest, StandingStillKeepsTheLatents) {
  const CameraPrior prior({});
  const Hint hint =
      prior.hint(vae_, view(pose(5, 2, 1, 1)), view(pose(5, 2, 1, 1)), pose(5, 2, 1, 1));
  EXPECT_TENSOR_NEAR(hint.latents, latents_, test::kExact);
  EXPECT_EQ(hint.mask.min().item<double>(), 1);
  EXPECT_FLOAT_EQ(hint.variance.max().item<float>(),
                  static_cast<float>(prior.config().still_variance));
}

TEST_F(CameraPriorTest, TurningMarksWhatComesIntoView) {
  const CameraPrior prior({});
  // 8 degrees to the right: the right edge, at 53.1 degrees, shows what was at 61.1: 31 pixels off.
  const Hint hint =
      prior.hint(vae_, view(pose(0, 0, 0, 0)), view(pose(0, 0, 0, 0)), pose(8, 0, 0, 0));
  EXPECT_EQ(hint.latents.sizes(), latents_.sizes());
  EXPECT_EQ(hint.mask.sizes(), (std::vector<int64_t>{1, 4, 12, 22}));
  const at::Tensor row = hint.mask[0].select(1, 6);  // [4, 22]
  EXPECT_EQ(row.select(1, 21).sum().item<double>(), 0);
  EXPECT_EQ(row.select(1, 4).sum().item<double>(), 4);
  // The quadrants of a cell, row-major: its right half is uncovered first.
  EXPECT_GT(row[0][19].item<double>(), row[1][19].item<double>());
  EXPECT_NEAR(hint.variance[0][0][6][21].item<double>(), prior.config().unseen_variance, 1e-6);
  EXPECT_NEAR(hint.variance[0][0][6][4].item<double>(), prior.config().look_variance, 1e-6);
}

TEST_F(CameraPriorTest, RotationModeDoesNotWalk) {
  CameraPriorConfig config;
  config.mode = Mode::kRotation;
  const CameraPrior prior(config);
  const Hint hint =
      prior.hint(vae_, view(pose(0, 0, 0, 0)), view(pose(0, 0, 0, 0)), pose(0, 0, 0, 0.25));
  EXPECT_TENSOR_NEAR(hint.latents, latents_, test::kExact);
}

TEST_F(CameraPriorTest, TheKeyFrameGoesBeforeTheLastOne) {
  CameraPriorConfig config;
  config.mode = Mode::kRotation;
  const CameraPrior prior(config);
  const at::Tensor other = test::random_tensor({1, 3, 96, 176}, 3).tanh();
  const View key = view(pose(0, 0, 0, 0));
  const View last{.latents = vae_.encode(other), .frame = other, .pose = pose(6, 0, 0, 0)};
  const Hint hint = prior.hint(vae_, last, key, pose(8, 0, 0, 0));
  const Hint bare = prior.hint(vae_, key, key, pose(8, 0, 0, 0));
  // Well inside the key frame's view the last frame does not matter; beyond it, it does.
  EXPECT_TENSOR_NEAR(hint.latents.narrow(3, 0, 8), bare.latents.narrow(3, 0, 8), 1e-4);
  EXPECT_TENSOR_NEAR(hint.mask.narrow(3, 0, 10), bare.mask.narrow(3, 0, 10), test::kExact);
  EXPECT_GT(hint.mask.sum().item<double>(), bare.mask.sum().item<double>() + 20);
  EXPECT_LT(hint.mask[0].select(1, 6).select(1, 21).sum().item<double>(), 2);
}

TEST_F(CameraPriorTest, AWalkSinceTheKeyFrameCountsAsOne) {
  const CameraPrior prior({});
  const View key = view(pose(0, 0, 0, 0)), last = view(pose(0, 0, 0, 1));
  const Hint turned = prior.hint(vae_, last, key, pose(3, 0, 0, 1));
  EXPECT_EQ(turned.classes.item<int64_t>(), static_cast<int64_t>(MotionClass::kWalk));
  const Hint still = prior.hint(vae_, last, key, pose(0, 0, 0, 1));
  EXPECT_EQ(still.classes.item<int64_t>(), static_cast<int64_t>(MotionClass::kStill));
  EXPECT_TENSOR_NEAR(still.latents, latents_, test::kExact);
}

TEST_F(CameraPriorTest, KeyFramesGoStaleByTurnAndWalk) {
  CameraPriorConfig config;
  config.key_turn = 20;
  config.key_distance = 1;
  const CameraPrior prior(config);
  const auto is_stale = [&](const at::Tensor& from, const at::Tensor& to) {
    return prior.is_key_stale(from, to).item<bool>();
  };
  EXPECT_FALSE(is_stale(pose(355, 0, 0, 0), pose(9, 4, 0.5, 0.5)));
  EXPECT_TRUE(is_stale(pose(355, 0, 0, 0), pose(16, 0, 0, 0)));
  EXPECT_TRUE(is_stale(pose(0, 0, 0, 0), pose(0, 11, 0, 0)));
  EXPECT_TRUE(is_stale(pose(0, 0, 0, 0), pose(0, 0, 0.8, 0.8)));
  config.key_turn = 0;  // Every frame is a key frame.
  EXPECT_TRUE(CameraPrior(config).is_key_stale(pose(0, 0, 0, 0), pose(0, 0, 0, 0)).item<bool>());
}

TEST_F(CameraPriorTest, OffHasNoHints) {
  const CameraPrior prior = CameraPrior::load(::testing::TempDir() + "no_such_prior");
  EXPECT_EQ(prior.config().mode, Mode::kOff);
  EXPECT_ERROR(prior.hint(vae_, view(pose(0, 0, 0, 0)), view(pose(0, 0, 0, 0)), pose(0, 0, 0, 0)),
               ErrorCode::kInvalidArgument, "off");
}

TEST_F(CameraPriorTest, VarianceGrowsWithParallaxByTheTable) {
  CameraPriorConfig config;
  config.parallax_edges = {1, 3};
  config.walk_variances = {0.1, 0.2, 0.4};
  const CameraPrior prior(config);
  const at::Tensor parallax = at::tensor({0.5F, 2.0F, 9.0F}).view({1, 1, 1, 3});
  const at::Tensor walk = at::full({1}, static_cast<int64_t>(MotionClass::kWalk), at::kLong);
  const at::Tensor variance = prior.variance(walk, at::full({1, 4, 1, 3}, 1.0), parallax);
  EXPECT_TENSOR_NEAR(variance, at::tensor({0.1F, 0.2F, 0.4F}).view({1, 1, 1, 3}), test::kExact);
}

TEST(MotionClassesTest, AreStillLookAndWalk) {
  const at::Tensor before = pose(10, 0, 1, 1).repeat({4, 1});
  at::Tensor after = before.clone();
  after[1][0] += 2;
  after[2][4] += 0.2;
  after[3][0] += 2;
  after[3][2] += 0.2;
  EXPECT_TENSOR_NEAR(motion_classes(before, after), at::tensor({0, 1, 2, 2}, at::kLong),
                     test::kExact);
}

TEST(CameraPriorConfigTest, ReadsWhatItWrote) {
  const test::ScratchFolder folder;
  CameraPriorConfig config;
  config.mode = Mode::kRotation;
  config.focal = 70;
  config.motion.walk_speed = 5;
  config.walk_variances = {1, 2, 3, 4, 5};
  config.write(folder / "config.json");
  const CameraPriorConfig read = CameraPriorConfig::read(folder / "config.json");
  EXPECT_EQ(read.mode, Mode::kRotation);
  EXPECT_EQ(read.focal, 70);
  EXPECT_EQ(read.motion.walk_speed, 5);
  EXPECT_EQ(read.walk_variances, config.walk_variances);
  test::write_bytes(folder / "bad.json", R"({"mode": "sideways"})");
  EXPECT_ERROR(CameraPriorConfig::read(folder / "bad.json"), ErrorCode::kConfig, "sideways");
}

}  // namespace
}  // namespace mw::prior
