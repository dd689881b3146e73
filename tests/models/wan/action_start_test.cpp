// SPDX-License-Identifier: Apache-2.0
#include "mw/models/wan/action_start.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <string>

#include "mw/models/wan/transformer.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"

namespace mw::wan {
namespace {

/// A plain model on disk, and what it computes.
class ActionStartTest : public ::testing::Test {
 protected:
  ActionStartTest() {
    config_.dim = 32;
    config_.ffn_dim = 48;
    config_.num_heads = 4;
    config_.num_layers = 3;
    config_.text_dim = 8;
    config_.text_len = 4;
    const Transformer base(config_, nn::WeightScope(store_));
    wanted_ = forward(base, latents_, {});
    store_.save(folder_ / "model.safetensors");
  }

  at::Tensor forward(const Transformer& model, const at::Tensor& latents,
                     const at::Tensor& actions) const {
    return model.forward(latents, at::full({1}, 700.0),
                         model.context(test::random_tensor({1, 4, 8}, 3)), actions);
  }
  at::Tensor actions(const Transformer& model) const {
    return model.action_features(test::random_tensor({1, 9, 7}, 4).gt(0),
                                 test::random_tensor({1, 9, 2}, 5), 3);
  }

  WanConfig config_;
  nn::ParameterStore store_ = nn::ParameterStore::created(1);
  at::Tensor latents_ = test::random_tensor({1, 16, 3, 4, 6}, 2);
  at::Tensor wanted_;
  test::ScratchFolder folder_;
};

TEST_F(ActionStartTest, ANewBranchIsACopyThatChangesNothing) {
  config_.action_dim = 24;
  config_.action_layers = {0, 2};
  nn::ParameterStore start = load_action_start(folder_.path(), config_, 7);
  const Transformer model(config_, nn::WeightScope(start));
  start.check_all_used("start");
  for (const auto& [name, tensor] : store_.tensors()) {
    if (!name.starts_with("blocks.2.")) continue;
    const std::string copy = "action_blocks.1." + name.substr(std::string("blocks.2.").size());
    EXPECT_TENSOR_NEAR(start.tensors().at(copy), tensor, test::kExact) << copy;
    EXPECT_NE(start.tensors().at(copy).data_ptr(), start.tensors().at(name).data_ptr());
  }
  EXPECT_EQ(start.tensors().at("action_blocks.1.after_proj.weight").abs().sum().item<float>(), 0);
  EXPECT_GT(start.tensors().at("action_preprocess.mouse_mlp.0.weight").abs().sum().item<float>(),
            0);
  // Mapped from a file, weights lie otherwise in memory, which products may round otherwise.
  EXPECT_TENSOR_NEAR(forward(model, latents_, actions(model)), wanted_, test::kFp32Reordered);
}

TEST_F(ActionStartTest, AdaLNStartsRandomlyAndActsAtOnce) {
  config_.action_dim = 24;
  nn::ParameterStore start = load_action_start(folder_.path(), config_, 7);
  nn::ParameterStore again = load_action_start(folder_.path(), config_, 7);
  const Transformer model(config_, nn::WeightScope(start));
  start.check_all_used("start");
  const char* const name = "blocks.1.action_adaLN_modulation.1.weight";
  EXPECT_TENSOR_NEAR(start.tensors().at(name), again.tensors().at(name), test::kExact);
  EXPECT_TENSOR_NEAR(forward(model, latents_, {}), wanted_, test::kFp32Reordered);
  EXPECT_GT(forward(model, latents_, actions(model)).sub(wanted_).abs().max().item<float>(), 1e-3);
}

TEST_F(ActionStartTest, ChannelsThatTheBaseHasNotAreZeros) {
  config_.action_dim = 24;
  config_.in_dim = 20;
  nn::ParameterStore start = load_action_start(folder_.path(), config_, 7);
  const Transformer model(config_, nn::WeightScope(start));
  const at::Tensor wider = at::cat({latents_, test::random_tensor({1, 4, 3, 4, 6}, 9)}, 1);
  EXPECT_TENSOR_NEAR(forward(model, wider, {}), wanted_, test::kFp32Reordered);
}

TEST_F(ActionStartTest, WhatIsThereIsKeptAndWhatTheBaseLacksIsAnError) {
  config_.action_dim = 24;
  config_.action_layers = {0, 2};
  nn::TensorMap tensors = load_action_start(folder_.path(), config_, 7).tensors();
  tensors.at("action_blocks.0.after_proj.bias") = at::full({32}, 2.0f);
  nn::write_tensors(folder_ / "model.safetensors", tensors);
  const nn::ParameterStore next = load_action_start(folder_.path(), config_, 8);
  for (const auto& [name, tensor] : tensors) {
    EXPECT_TENSOR_NEAR(next.tensors().at(name), tensor, test::kExact) << name;
  }
  tensors.erase("blocks.1.ffn.2.bias");
  nn::write_tensors(folder_ / "model.safetensors", tensors);
  nn::ParameterStore lacking = load_action_start(folder_.path(), config_, 8);
  EXPECT_ERROR(Transformer(config_, nn::WeightScope(lacking)), ErrorCode::kWeights,
               "blocks.1.ffn.2.bias");
}

}  // namespace
}  // namespace mw::wan
