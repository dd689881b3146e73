// SPDX-License-Identifier: Apache-2.0
#include "mw/models/wan/control_branch.h"

#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <vector>

#include "mw/models/wan/transformer.h"
#include "tests/support/tensors.h"

namespace mw::wan {
namespace {

WanConfig base_config() {
  WanConfig config;
  config.dim = 32;
  config.ffn_dim = 48;
  config.num_heads = 4;
  config.num_layers = 4;
  config.text_dim = 8;
  config.text_len = 4;
  return config;
}

WanConfig control_config() {
  WanConfig config = base_config();
  config.action_dim = 24;
  config.action_layers = {0, 2};
  return config;
}

/// A model with a control branch as it is created: the branch's projections are zero.
class ControlBranchTest : public ::testing::Test {
 protected:
  at::Tensor forward(const Transformer& model, const at::Tensor& actions,
                     double control_scale = 1) const {
    Context context = model.context(text_);
    context.control_scale = control_scale;
    return model.forward(latents_, at::full({2}, 700.0), context, actions);
  }
  at::Tensor features(const Transformer& model) const {
    return model.action_features(keyboard_, mouse_, 3);
  }
  /// Gives the projections values, so that hints are about as large as tokens.
  void open_projections() {
    uint64_t seed = 10;
    for (const auto& [name, tensor] : store_.tensors()) {
      if (name.find("_proj.") != std::string::npos) {
        tensor.copy_(test::random_tensor(tensor.sizes(), ++seed).mul(0.2));
      }
    }
  }

  nn::ParameterStore store_ = nn::ParameterStore::created(1);
  Transformer model_{control_config(), nn::WeightScope(store_)};
  at::Tensor latents_ = test::random_tensor({2, 16, 3, 4, 6}, 2);
  at::Tensor text_ = test::random_tensor({2, 4, 8}, 3);
  at::Tensor keyboard_ = test::random_tensor({2, 9, 7}, 4).gt(0).to(at::kFloat);
  at::Tensor mouse_ = test::random_tensor({2, 9, 2}, 5).mul(3);
};

TEST_F(ControlBranchTest, ZeroProjectionsLeaveTheBaseAsItIs) {
  nn::ParameterStore base(store_.tensors());
  const at::Tensor wanted = forward(Transformer(base_config(), nn::WeightScope(base)), {});
  EXPECT_TENSOR_NEAR(forward(model_, features(model_)), wanted, test::kExact);
}

TEST_F(ControlBranchTest, WithoutActionsOrAtScaleZeroItIsTheBase) {
  open_projections();
  const at::Tensor base = forward(model_, {});
  EXPECT_TENSOR_NEAR(forward(model_, features(model_), 0), base, test::kExact);
  EXPECT_GT(forward(model_, features(model_)).sub(base).abs().max().item<float>(), 0.01);
}

TEST_F(ControlBranchTest, EachBatchElementHasItsOwnActions) {
  open_projections();
  const at::Tensor both = forward(model_, features(model_));
  keyboard_.select(0, 1).sub_(1).abs_();  // The opposite keys for the second.
  const at::Tensor changed = forward(model_, features(model_));
  EXPECT_TENSOR_NEAR(changed.select(0, 0), both.select(0, 0), test::kFp32Reordered);
  EXPECT_GT(changed.select(0, 1).sub(both.select(0, 1)).abs().max().item<float>(), 1e-3);
}

TEST_F(ControlBranchTest, HintsGoBehindTheirLayersOnly) {
  open_projections();
  const at::Tensor actions = features(model_);
  const Context context = model_.context(text_);
  std::vector<at::Tensor> plain, led;
  const auto probe_into = [](std::vector<at::Tensor>& to) {
    return [&to](int64_t, const at::Tensor& tokens) { to.push_back(tokens); };
  };
  const at::Tensor t = at::full({2}, 700.0);
  model_.forward(latents_, t, context, {}, nullptr, probe_into(plain));
  model_.forward(latents_, t, context, actions, nullptr, probe_into(led));
  ASSERT_EQ(led.size(), 5U);
  EXPECT_TENSOR_NEAR(led[0], plain[0], test::kExact);
  EXPECT_GT(led[1].sub(plain[1]).abs().max().item<float>(), 1e-2);
}

TEST_F(ControlBranchTest, NamesAreThoseOfTheRelease) {
  for (const char* name :
       {"action_blocks.0.before_proj.weight", "action_blocks.0.after_proj.bias",
        "action_blocks.1.after_proj.weight", "action_blocks.1.self_attn.norm_k.weight",
        "action_blocks.1.ffn.2.bias", "action_preprocess.action_mlp.2.weight"}) {
    EXPECT_TRUE(store_.has(name)) << name;
  }
  EXPECT_FALSE(store_.has("action_blocks.1.before_proj.weight"));
  EXPECT_FALSE(store_.has("blocks.0.action_adaLN_modulation.1.weight"));
  EXPECT_EQ(store_.tensors().size(), 27U * 4 + 15 + 27 * 2 + 2 * 2 + 2 + 16);
}

TEST(ActionModulationTest, ZeroModulationLeavesTheBaseAsItIs) {
  WanConfig config = base_config();
  config.in_dim = 36;
  config.image_dim = 8;
  config.action_dim = 24;
  nn::ParameterStore store = nn::ParameterStore::created(1);
  const Transformer model(config, nn::WeightScope(store));
  for (const auto& [name, tensor] : store.tensors()) {
    if (name.find("action_adaLN") != std::string::npos) tensor.zero_();
  }
  config.action_dim = 0;
  nn::ParameterStore base_store(store.tensors());
  const Transformer base(config, nn::WeightScope(base_store));
  const at::Tensor latents = test::random_tensor({1, 36, 3, 4, 6}, 2), t = at::full({1}, 300.0);
  const at::Tensor text = test::random_tensor({1, 4, 8}, 3);
  const at::Tensor image = test::random_tensor({1, 5, 8}, 6);
  const at::Tensor actions = model.action_features(test::random_tensor({1, 9, 7}, 4).gt(0),
                                                   test::random_tensor({1, 9, 2}, 5), 3);
  EXPECT_TENSOR_NEAR(model.forward(latents, t, model.context(text, image), actions),
                     base.forward(latents, t, base.context(text, image)), test::kExact);
}

int64_t num_parameters(const WanConfig& config) {
  nn::ParameterStore store = nn::ParameterStore::without_values();
  const Transformer model(config, nn::WeightScope(store));
  return store.num_parameters();
}

TEST(PublishedSizesTest, TextToWorld) {
  WanConfig config;
  EXPECT_EQ(num_parameters(config), 1418996800);
  nn::ParameterStore store = nn::ParameterStore::without_values();
  config.action_dim = 1536;
  const ActionModule actions(config, nn::WeightScope(store));
  EXPECT_EQ(store.num_parameters(), 4157248);
  for (int64_t i = 0; i < config.num_layers; i += 2) config.action_layers.push_back(i);
  EXPECT_EQ(num_parameters(config), 2157537920);
}

TEST(PublishedSizesTest, ImageToWorldAndItsBase) {
  WanConfig config;
  config.dim = 5120;
  config.ffn_dim = 13824;
  config.num_heads = config.num_layers = 40;
  EXPECT_EQ(num_parameters(config), 14288491584);
  config.in_dim = 36;
  config.image_dim = 1280;
  EXPECT_EQ(num_parameters(config), 16394878784);
  config.action_dim = 1536;
  EXPECT_EQ(num_parameters(config), 18287701632);
  config.action_dim = 0;
  config.image_positions = 514;
  EXPECT_EQ(num_parameters(config), 16395536704);
}

TEST(PublishedSizesTest, TextAndImageToVideo) {
  WanConfig config;
  config.dim = 3072;
  config.ffn_dim = 14336;
  config.num_heads = 24;
  config.in_dim = config.out_dim = 48;
  EXPECT_EQ(num_parameters(config), 4999787712);
  config.action_dim = 1536;
  EXPECT_EQ(num_parameters(config), 5853844480);
}

}  // namespace
}  // namespace mw::wan
