// SPDX-License-Identifier: Apache-2.0
#include "mw/models/wan/action_module.h"

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/tensors.h"

namespace mw::wan {
namespace {

using Rows = std::vector<int64_t>;

TEST(ActionGroupTest, PublishedRows) {
  EXPECT_EQ(action_group(0, 3, 4), Rows(12, 0));
  EXPECT_EQ(action_group(1, 3, 4), (Rows{1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 4}));
  EXPECT_EQ(action_group(2, 3, 4), (Rows{1, 1, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(action_group(3, 3, 4), (Rows{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  EXPECT_EQ(action_group(4, 3, 4), (Rows{5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}));
  EXPECT_EQ(action_group(20, 3, 4), (Rows{69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80}));
}

TEST(ActionGroupTest, OneLatentPerFrame) {
  EXPECT_EQ(action_group(1, 3, 1), (Rows{1, 1, 1}));
  EXPECT_EQ(action_group(2, 3, 1), (Rows{1, 1, 2}));
  EXPECT_EQ(action_group(7, 3, 1), (Rows{5, 6, 7}));
}

WanConfig golden_config() {
  WanConfig config;
  config.action_dim = 48;
  return config;
}

TEST(ActionModuleTest, MatchesTheTranscription) {  // tools/goldens/action_module.py
  nn::TensorMap golden = test::load_golden("wan/action_module"), weights;
  for (const auto& [name, tensor] : golden) weights.emplace(name, tensor);
  nn::ParameterStore store(weights);
  const ActionModule module(golden_config(), nn::WeightScope(store) / "weights");
  EXPECT_TENSOR_NEAR(module.forward(golden.at("keyboard"), golden.at("mouse"), 6),
                     golden.at("features"), test::kFp32Reordered);
}

/// A module with random weights whose positions count within the group.
class RelativeActionModuleTest : public ::testing::Test {
 protected:
  static WanConfig config() {
    WanConfig config = golden_config();
    config.action_temporal_ratio = 1;
    config.action_relative_positions = true;
    return config;
  }
  nn::ParameterStore store_ = nn::ParameterStore::created(1);
  ActionModule module_{config(), nn::WeightScope(store_)};
  at::Tensor keyboard_ = test::random_tensor({1, 9, 7}, 3).gt(0).to(at::kFloat);
  at::Tensor mouse_ = test::random_tensor({1, 9, 2}, 4);
};

TEST_F(RelativeActionModuleTest, AStreamHasNoBeginning) {
  // Frame 8 of one clip and frame 5 of another that starts three frames later.
  const at::Tensor whole = module_.forward(keyboard_, mouse_, 9);
  const at::Tensor later = module_.forward(keyboard_.narrow(1, 3, 6), mouse_.narrow(1, 3, 6), 6);
  EXPECT_TENSOR_NEAR(later.select(1, 5), whole.select(1, 8), test::kFp32Reordered);
}

TEST_F(RelativeActionModuleTest, AnActionTouchesNoEarlierFrame) {
  const at::Tensor before = module_.forward(keyboard_, mouse_, 9);
  mouse_.narrow(1, 4, 1).add_(5);
  const at::Tensor after = module_.forward(keyboard_, mouse_, 9);
  EXPECT_TENSOR_NEAR(after.narrow(1, 0, 4), before.narrow(1, 0, 4), test::kExact);
  for (const int64_t f : {4, 5, 6}) {
    EXPECT_FALSE(after.select(1, f).equal(before.select(1, f))) << f;
  }
  EXPECT_TENSOR_NEAR(after.narrow(1, 7, 2), before.narrow(1, 7, 2), test::kExact);
}

TEST_F(RelativeActionModuleTest, TooFewRowsAreNamed) {
  EXPECT_ERROR(module_.forward(keyboard_, mouse_, 10), ErrorCode::kInvalidArgument,
               "for 10 latent frames, got [1, 9, 7] and [1, 9, 2]");
  EXPECT_ERROR(module_.forward(keyboard_, mouse_.narrow(1, 0, 3), 2), ErrorCode::kInvalidArgument,
               "[1, 3, 2]");
}

}  // namespace
}  // namespace mw::wan
