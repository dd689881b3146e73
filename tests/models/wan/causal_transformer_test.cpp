// SPDX-License-Identifier: Apache-2.0
// Laws of the causal form: what is seen, what is remembered, and that both say the same.
#include <ATen/autocast_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <vector>

#include "mw/models/wan/transformer.h"
#include "tests/support/tensors.h"

namespace mw::wan {
namespace {

constexpr int64_t kFrames = 12, kFrameTokens = 6;

struct Window {
  int64_t window, sinks, chunk;
  friend std::ostream& operator<<(std::ostream& out, const Window& w) {
    return out << "window " << w.window << ", sinks " << w.sinks << ", chunk " << w.chunk;
  }
};

WanConfig small_config(const Window& window) {
  WanConfig config;
  config.dim = 48;
  config.ffn_dim = 96;
  config.num_heads = 4;
  config.num_layers = 2;
  config.text_dim = 32;
  config.text_len = 5;
  config.action_dim = 32;
  config.action_temporal_ratio = 1;
  config.action_relative_positions = true;
  config.is_causal = true;
  config.window_frames = window.window;
  config.sink_frames = window.sinks;
  config.chunk_frames = window.chunk;
  return config;
}

/// Every weight random, and as large as in a trained model, so that no part is idle.
void randomise(const nn::ParameterStore& store) {
  uint64_t seed = 100;
  for (const auto& [name, tensor] : store.tensors()) {
    const bool is_norm = tensor.dim() == 1 && name.ends_with("weight");
    const double scale = tensor.dim() == 1 ? 0.3 : 1 / std::sqrt(double(tensor[0].numel()));
    tensor.copy_(test::random_tensor(tensor.sizes(), ++seed).mul(scale).add(is_norm ? 1 : 0));
  }
}

class CausalModel {
 public:
  explicit CausalModel(const WanConfig& config) : model(config, nn::WeightScope(store)) {
    randomise(store);
    context = model.context(test::random_tensor({1, 4, 32}, 1));
    actions = model.action_features(keyboard, mouse, kFrames);
  }

  at::Tensor whole() const { return model.forward(x, t, context, actions); }
  /// The velocity of `count` frames from `first` on, with a cache.
  at::Tensor frames(int64_t first, int64_t count, KVCache& cache) const {
    return model.forward(x.narrow(2, first, count), t.narrow(1, first, count), context,
                         actions.narrow(1, first, count), &cache);
  }

  nn::ParameterStore store = nn::ParameterStore::created(1);
  Transformer model;
  Context context;
  at::Tensor x = test::random_tensor({1, 16, kFrames, 4, 6}, 2);
  at::Tensor t = at::full({1, kFrames}, 300.0);
  at::Tensor keyboard = test::random_tensor({1, kFrames, 7}, 3).gt(0).to(at::kFloat);
  at::Tensor mouse = test::random_tensor({1, kFrames, 2}, 4);
  at::Tensor actions;
};

bool equal_before(const at::Tensor& a, const at::Tensor& b, int64_t frame) {
  return a.narrow(2, 0, frame).equal(b.narrow(2, 0, frame));
}

class CausalLawTest : public ::testing::TestWithParam<Window> {
 protected:
  int64_t chunk() const { return GetParam().chunk; }
  const CausalModel m_{small_config(GetParam())};
};

TEST_P(CausalLawTest, CachedChunksEqualOnePass) {
  const at::Tensor whole = m_.whole();
  KVCache cache = m_.model.make_cache();
  for (int64_t first = 0; first < kFrames; first += chunk()) {
    EXPECT_TENSOR_NEAR(m_.frames(first, chunk(), cache), whole.narrow(2, first, chunk()),
                       test::kFp32Parity)
        << "from frame " << first;
    m_.model.commit(cache, kFrameTokens);
  }
}

TEST_P(CausalLawTest, CleanPastAndNoisyPresentEqualOnePass) {
  CausalModel m(small_config(GetParam()));
  m.t.zero_().narrow(1, kFrames - chunk(), chunk()).fill_(700);
  KVCache cache = m.model.make_cache();
  for (int64_t first = 0; first + chunk() < kFrames; first += chunk()) {
    m.frames(first, chunk(), cache);
    m.model.commit(cache, kFrameTokens);
  }
  EXPECT_TENSOR_NEAR(m.frames(kFrames - chunk(), chunk(), cache),
                     m.whole().narrow(2, kFrames - chunk(), chunk()), test::kFp32Parity);
}

TEST_P(CausalLawTest, CacheKeepsTheSinksAndTheRecent) {
  KVCache cache = m_.model.make_cache();
  const auto [window, sinks, chunk_frames] = GetParam();
  for (int64_t first = 0; first < kFrames; first += chunk_frames) {
    m_.frames(first, chunk_frames, cache);
    m_.model.commit(cache, kFrameTokens);
    std::vector<int64_t> wanted;  // What the next chunk sees of the past.
    const int64_t end = first + chunk_frames;
    for (int64_t f = 0; f < end; ++f) {
      const bool is_recent = window == 0 || f >= end - (window - sinks - chunk_frames);
      if (f < sinks || is_recent) wanted.push_back(f);
    }
    EXPECT_EQ(cache.frames(), wanted);
  }
}

TEST_P(CausalLawTest, EarlierChunksNeverSeeLaterOnes) {
  const int64_t changed = 2 * chunk();
  const at::Tensor before = m_.whole();
  CausalModel x(small_config(GetParam())), t(small_config(GetParam())), a(small_config(GetParam()));
  x.x.narrow(2, changed, 1).add_(1);
  t.t.narrow(1, changed, 1).fill_(900);
  a.mouse.narrow(1, changed, 1).fill_(7);
  a.actions = a.model.action_features(a.keyboard, a.mouse, kFrames);
  for (const CausalModel* other : {&x, &t, &a}) {
    const at::Tensor after = other->whole();
    EXPECT_TRUE(equal_before(before, after, changed));
    // Within the chunk everything is seen both ways.
    for (int64_t f = changed; f < changed + chunk(); ++f) {
      EXPECT_FALSE(before.select(2, f).equal(after.select(2, f))) << f;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Windows, CausalLawTest,
                         ::testing::Values(Window{0, 0, 1}, Window{3, 0, 1}, Window{4, 1, 1},
                                           Window{1, 0, 1}, Window{2, 1, 1}, Window{0, 0, 3},
                                           Window{3, 0, 3}, Window{7, 0, 3}, Window{6, 1, 3},
                                           Window{6, 3, 3}, Window{7, 2, 4}));

TEST(CausalTransformerTest, OneChunkOfAllFramesIsTheFullModel) {
  CausalModel causal(small_config({0, 0, kFrames}));
  WanConfig config = small_config({0, 0, 1});
  config.is_causal = false;
  const CausalModel full(config);
  EXPECT_TENSOR_NEAR(causal.whole(), full.whole(), test::kFp32Reordered);
  const at::Tensor one_timestep =
      full.model.forward(full.x, at::full({1}, 300.0), full.context, full.actions);
  EXPECT_TENSOR_NEAR(one_timestep, full.whole(), test::kFp32Reordered);
}

TEST(CausalTransformerTest, DenoisingLeavesNoTrace) {
  const CausalModel m(small_config({3, 0, 1}));
  KVCache cache = m.model.make_cache(), straight = m.model.make_cache();
  m.frames(0, 1, cache);
  m.frames(5, 1, cache);  // Another pass before the commit: its keys are replaced.
  m.frames(0, 1, cache);
  m.model.commit(cache, kFrameTokens);
  m.frames(0, 1, straight);
  m.model.commit(straight, kFrameTokens);
  EXPECT_TENSOR_NEAR(m.frames(1, 1, cache), m.frames(1, 1, straight), test::kExact);
}

TEST(CausalTransformerTest, BranchesOfAStreamAreIsolated) {
  const CausalModel m(small_config({4, 1, 1}));
  const auto extend = [&](KVCache& cache, int64_t frame) {
    m.frames(frame, 1, cache);
    m.model.commit(cache, kFrameTokens);
  };
  KVCache straight = m.model.make_cache(), trunk = m.model.make_cache();
  for (const int64_t f : {0, 1, 2, 3}) extend(straight, f);
  for (const int64_t f : {0, 1, 2}) extend(trunk, f);
  KVCache chosen = trunk.clone(), dropped = trunk.clone();
  extend(dropped, 9);
  extend(chosen, 3);
  EXPECT_TENSOR_NEAR(m.frames(4, 1, chosen), m.frames(4, 1, straight), test::kExact);
  EXPECT_EQ(trunk.frames(), (std::vector<int64_t>{0, 1, 2}));
}

TEST(CausalTransformerTest, BatchItemsAreIndependent) {
  const CausalModel m(small_config({3, 0, 1}));
  const at::Tensor other = test::random_tensor({1, 16, kFrames, 4, 6}, 9);
  const at::Tensor pair = m.model.forward(at::cat({m.x, other}), m.t.expand({2, kFrames}),
                                          m.context, m.actions.expand({2, -1, -1}));
  EXPECT_TENSOR_NEAR(pair.narrow(0, 0, 1), m.whole(), test::kFp32Reordered);
}

TEST(CausalTransformerTest, EveryWeightGetsAGradient) {
  for (const bool use_autocast : {false, true}) {
    CausalModel m(small_config({4, 1, 1}));
    for (const auto& [name, tensor] : m.store.tensors()) tensor.requires_grad_(true);
    at::autocast::set_autocast_enabled(at::kCPU, use_autocast);
    m.context = m.model.context(test::random_tensor({1, 4, 32}, 1));
    m.actions = m.model.action_features(m.keyboard, m.mouse, kFrames);
    const at::Tensor out = m.whole();
    at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(at::kCPU, false);
    EXPECT_EQ(out.scalar_type(), at::kFloat);
    out.square().sum().backward();
    for (const auto& [name, tensor] : m.store.tensors()) {
      ASSERT_TRUE(tensor.grad().defined()) << name;
      EXPECT_GT(tensor.grad().abs().max().item<double>(), 0) << name;
      EXPECT_TRUE(tensor.grad().isfinite().all().item<bool>()) << name;
    }
  }
}

TEST(CausalTransformerTest, AutocastStaysCloseToFloat32) {
  const CausalModel m(small_config({4, 1, 1}));
  const at::Tensor wanted = m.whole();
  at::autocast::set_autocast_enabled(at::kCPU, true);
  const at::Tensor got = m.whole();
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  const double error = got.sub(wanted).square().mean().item<double>();
  EXPECT_GT(error, 0);
  EXPECT_LE(error / wanted.square().mean().item<double>(), test::kBf16Parity);
}

TEST(CausalTransformerTest, ZeroInitStartsAtZeroVelocityAndDeafToActions) {
  WanConfig config = small_config({3, 0, 1});
  config.zero_init = true;
  nn::ParameterStore store = nn::ParameterStore::created(1);
  const Transformer model(config, nn::WeightScope(store));
  const at::Tensor x = test::random_tensor({1, 16, 2, 4, 6}, 2);
  const at::Tensor actions = test::random_tensor({1, 2, 32}, 3);
  const at::Tensor out =
      model.forward(x, at::full({1}, 500.0), model.context(at::zeros({1, 1, 32})), actions);
  EXPECT_TENSOR_NEAR(out, at::zeros_like(x), test::kExact);
  EXPECT_EQ(store.tensors()
                .at("blocks.1.action_adaLN_modulation.1.weight")
                .count_nonzero()
                .item<int64_t>(),
            0);
}

TEST(CausalTransformerTest, MisuseIsNamed) {
  const CausalModel m(small_config({3, 0, 1}));
  KVCache cache = m.model.make_cache();
  EXPECT_ERROR(m.model.commit(cache, kFrameTokens), ErrorCode::kInvalidArgument,
               "nothing to commit");
  EXPECT_ERROR(m.model.forward(m.x.narrow(1, 0, 3), m.t, m.context), ErrorCode::kInvalidArgument,
               "latents must be [B, 16, F, h, w]");
  EXPECT_ERROR(m.model.forward(m.x, m.t.narrow(1, 0, 5), m.context), ErrorCode::kInvalidArgument,
               "timesteps must be [1] or [1, 12], got [1, 5]");
  EXPECT_ERROR(m.model.forward(m.x, m.t, m.context, m.actions.narrow(1, 0, 5)),
               ErrorCode::kInvalidArgument, "actions must be [1, 12, 32], got [1, 5, 32]");
  EXPECT_ERROR(m.model.context(at::zeros({1, 6, 32})), ErrorCode::kInvalidArgument,
               "text must be [B, up to 5, 32]");
  EXPECT_ERROR(m.model.context(at::zeros({1, 2, 32}), at::zeros({1, 257, 1280})),
               ErrorCode::kInvalidArgument, "takes no image context");
}

}  // namespace
}  // namespace mw::wan
