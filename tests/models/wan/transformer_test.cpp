// SPDX-License-Identifier: Apache-2.0
#include "mw/models/wan/transformer.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/tensors.h"

namespace mw::wan {
namespace {

/// Published recipe for reference weights: names sorted by byte, parameter k, flat element i:
/// 0.1 sin(0.7 (i mod 1009) + 1.3 k), plus 1 for one-dimensional `.weight`s.
void fill_with_recipe(const nn::ParameterStore& store) {
  int64_t k = 0;
  for (const auto& [name, tensor] : store.tensors()) {
    float* data = tensor.data_ptr<float>();
    const double offset = tensor.dim() == 1 && name.ends_with(".weight") ? 1 : 0;
    for (int64_t i = 0; i < tensor.numel(); ++i) {
      data[i] = static_cast<float>(
          0.1 * std::sin(0.7 * static_cast<double>(i % 1009) + 1.3 * static_cast<double>(k)) +
          offset);
    }
    ++k;
  }
}

WanConfig golden_config() {
  WanConfig config;
  config.dim = 48;
  config.ffn_dim = 96;
  config.num_heads = 4;
  config.num_layers = 2;
  config.text_dim = 32;
  return config;
}

struct Published {
  double mean, deviation, absmax;
  std::vector<double> first, last;
};

void expect_published(const at::Tensor& out, const Published& wanted) {
  const at::Tensor flat = out.flatten().to(at::kDouble);
  EXPECT_NEAR(flat.mean().item<double>(), wanted.mean, 2e-6);
  EXPECT_NEAR(flat.std(false).item<double>(), wanted.deviation, 2e-6);
  EXPECT_NEAR(flat.abs().max().item<double>(), wanted.absmax, 5e-6);
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(flat[i].item<double>(), wanted.first[static_cast<size_t>(i)], 1e-5);
    EXPECT_NEAR(flat[flat.numel() - 4 + i].item<double>(), wanted.last[static_cast<size_t>(i)],
                1e-5);
  }
}

TEST(TransformerTest, PublishedT2VVector) {
  nn::ParameterStore store = nn::ParameterStore::created(1);
  const Transformer model(golden_config(), nn::WeightScope(store));
  fill_with_recipe(store);
  const at::Tensor x = test::ramp({1, 16, 3, 4, 6}, 0.31);
  const at::Tensor text = test::ramp({1, 7, 32}, 0.23);
  const at::Tensor out = model.forward(x, at::full({1}, 937.0), model.context(text));
  expect_published(out, {-0.037097,
                         1.245302,
                         2.371247,
                         {-1.385472, 1.012576, -1.510888, 0.907052},
                         {1.529097, -0.31443, 1.382888, -0.636882}});
}

TEST(TransformerTest, PublishedI2VVector) {
  WanConfig config = golden_config();
  config.in_dim = 36;
  config.image_dim = 1280;
  nn::ParameterStore store = nn::ParameterStore::created(1);
  const Transformer model(config, nn::WeightScope(store));
  fill_with_recipe(store);
  const at::Tensor x =
      at::cat({test::ramp({1, 16, 3, 4, 6}, 0.31), test::ramp({1, 20, 3, 4, 6}, 0.19)}, 1);
  const Context context =
      model.context(test::ramp({1, 7, 32}, 0.23), test::ramp({1, 257, 1280}, 0.017));
  expect_published(model.forward(x, at::full({1}, 937.0), context),
                   {0.014744,
                    0.692024,
                    1.558336,
                    {1.031843, -0.956304, 1.164, -1.142088},
                    {-0.905286, -0.421488, -1.059288, -0.659515}});
}

TEST(TransformerTest, PublishedPerFrameTimestepVector) {
  nn::ParameterStore store = nn::ParameterStore::created(1);
  const Transformer model(golden_config(), nn::WeightScope(store));
  fill_with_recipe(store);
  at::Tensor t = at::full({1, 3}, 937.0);
  t[0][0] = 0;  // The first six tokens are the first latent frame.
  expect_published(model.forward(test::ramp({1, 16, 3, 4, 6}, 0.31), t,
                                 model.context(test::ramp({1, 7, 32}, 0.23))),
                   {-0.036839,
                    1.246621,
                    2.367428,
                    {-1.399037, 1.021994, -1.528132, 0.928793},
                    {1.529093, -0.314435, 1.382883, -0.636887}});
}

/// A small causal action model with every weight random.
class CausalTransformerTest : public ::testing::Test {
 protected:
  CausalTransformerTest() {
    uint64_t seed = 100;
    for (const auto& [name, tensor] : store_.tensors()) {
      const double offset = tensor.dim() == 1 && name.ends_with("weight") ? 1 : 0;
      tensor.copy_(test::random_tensor(tensor.sizes(), ++seed).mul(0.1).add(offset));
    }
    context_ = model_.context(test::random_tensor({1, 4, 32}, 1));
    actions_ = model_.action_features(keyboard_, mouse_, 6);
  }
  static WanConfig config() {
    WanConfig c = golden_config();
    c.action_dim = 32;
    c.action_temporal_ratio = 1;
    c.action_relative_positions = true;
    c.is_causal = true;
    c.window_frames = 3;
    return c;
  }
  at::Tensor forward(const at::Tensor& x, const at::Tensor& t, const at::Tensor& actions,
                     KVCache* cache = nullptr) const {
    return model_.forward(x, t, context_, actions, cache);
  }

  nn::ParameterStore store_ = nn::ParameterStore::created(1);
  Transformer model_{config(), nn::WeightScope(store_)};
  Context context_;
  at::Tensor x_ = test::random_tensor({1, 16, 6, 4, 6}, 2);
  at::Tensor t_ = at::full({1, 6}, 300.0);
  at::Tensor keyboard_ = test::random_tensor({1, 6, 7}, 3).gt(0).to(at::kFloat);
  at::Tensor mouse_ = test::random_tensor({1, 6, 2}, 4);
  at::Tensor actions_;
};

TEST_F(CausalTransformerTest, CachedFramesEqualOnePass) {
  const at::Tensor whole = forward(x_, t_, actions_);
  KVCache cache = model_.make_cache();
  for (int64_t f = 0; f < 6; ++f) {
    const at::Tensor frame =
        forward(x_.narrow(2, f, 1), t_.narrow(1, f, 1), actions_.narrow(1, f, 1), &cache);
    EXPECT_TENSOR_NEAR(frame, whole.narrow(2, f, 1), test::kFp32Parity) << "frame " << f;
    model_.commit(cache, 6);
  }
  EXPECT_EQ(cache.num_frames(), 2);
}

TEST_F(CausalTransformerTest, DenoisingLeavesNoTrace) {
  KVCache cache = model_.make_cache(), other = model_.make_cache();
  const auto frame = [&](int64_t f, KVCache& c) {
    return forward(x_.narrow(2, f, 1), t_.narrow(1, f, 1), actions_.narrow(1, f, 1), &c);
  };
  frame(0, cache);
  frame(5, cache);  // Another pass before the commit: its keys are replaced.
  frame(0, cache);
  model_.commit(cache, 6);
  frame(0, other);
  model_.commit(other, 6);
  EXPECT_TENSOR_NEAR(frame(1, cache), frame(1, other), test::kExact);
}

TEST_F(CausalTransformerTest, LaterActionsLeaveEarlierFramesAlone) {
  mouse_.narrow(1, 4, 1).fill_(7);
  const at::Tensor changed = model_.action_features(keyboard_, mouse_, 6);
  const at::Tensor a = forward(x_, t_, actions_), b = forward(x_, t_, changed);
  EXPECT_TENSOR_NEAR(a.narrow(2, 0, 4), b.narrow(2, 0, 4), test::kExact);
  EXPECT_FALSE(a.narrow(2, 4, 1).equal(b.narrow(2, 4, 1)));
}

TEST_F(CausalTransformerTest, BatchItemsAreIndependent) {
  const at::Tensor other = test::random_tensor({1, 16, 6, 4, 6}, 9);
  const at::Tensor pair =
      forward(at::cat({x_, other}), t_.expand({2, 6}), actions_.expand({2, -1, -1}));
  EXPECT_TENSOR_NEAR(pair.narrow(0, 0, 1), forward(x_, t_, actions_), test::kFp32Reordered);
}

TEST_F(CausalTransformerTest, EveryWeightGetsAGradient) {
  for (const auto& [name, tensor] : store_.tensors()) tensor.requires_grad_(true);
  const Context context = model_.context(test::random_tensor({1, 4, 32}, 1));
  const at::Tensor features = model_.action_features(keyboard_, mouse_, 6);
  model_.forward(x_, t_, context, features).pow(2).sum().backward();
  for (const auto& [name, tensor] : store_.tensors()) {
    ASSERT_TRUE(tensor.grad().defined()) << name;
    EXPECT_GT(tensor.grad().abs().max().item<double>(), 0) << name;
  }
}

TEST(ActionGroupTest, PublishedRows) {
  EXPECT_EQ(action_group(0, 3, 4), std::vector<int64_t>(12, 0));
  EXPECT_EQ(action_group(1, 3, 4), (std::vector<int64_t>{1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 4}));
  EXPECT_EQ(action_group(3, 3, 4), (std::vector<int64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  EXPECT_EQ(action_group(20, 3, 4).front(), 69);
  EXPECT_EQ(action_group(20, 3, 4).back(), 80);
}

}  // namespace
}  // namespace mw::wan
