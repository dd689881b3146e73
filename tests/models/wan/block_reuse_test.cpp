// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include "mw/models/wan/transformer.h"
#include "tests/support/tensors.h"

namespace mw::wan {
namespace {

WanConfig small_config() {
  WanConfig config;
  config.dim = 32;
  config.ffn_dim = 48;
  config.num_heads = 4;
  config.num_layers = 2;
  config.text_dim = 8;
  config.text_len = 4;
  return config;
}

class BlockReuseTest : public ::testing::Test {
 protected:
  at::Tensor forward(double timestep, BlockReuse* reuse) const {
    return model_.forward(latents_, at::full({1}, timestep), context_, {}, nullptr, nullptr, reuse);
  }

  nn::ParameterStore store_ = nn::ParameterStore::created(1);
  Transformer model_{small_config(), nn::WeightScope(store_)};
  at::Tensor latents_ = test::random_tensor({1, 16, 3, 4, 6}, 2);
  Context context_ = model_.context(test::random_tensor({1, 4, 8}, 3));
};

TEST_F(BlockReuseTest, TheResidualStandsForTheBlocks) {
  BlockReuse reuse;
  const at::Tensor wanted = forward(600, nullptr);
  EXPECT_TENSOR_NEAR(forward(600, &reuse), wanted, test::kExact);
  EXPECT_EQ(reuse.residual.sizes(), (at::IntArrayRef{1, 18, 32}));
  reuse.is_reused = true;
  EXPECT_TENSOR_NEAR(forward(600, &reuse), wanted, test::kFp32Reordered);
}

TEST_F(BlockReuseTest, HeadAndEmbeddingAlwaysRun) {
  BlockReuse reuse;
  forward(600, &reuse);
  reuse.is_reused = true;
  const at::Tensor kept = reuse.residual.clone();
  const at::Tensor reused = forward(500, &reuse);
  EXPECT_GT(reused.sub(forward(600, nullptr)).abs().max().item<float>(), 1e-4);  // Of the head.
  EXPECT_GT(reused.sub(forward(500, nullptr)).abs().max().item<float>(), 1e-4);  // Of the blocks.
  EXPECT_TENSOR_NEAR(reuse.residual, kept, test::kExact);
  reuse.residual.zero_();
  WanConfig none = small_config();
  none.num_layers = 1;  // With nothing added, blocks don't matter at all.
  nn::ParameterStore store(store_.tensors());
  const Transformer shorter(none, nn::WeightScope(store));
  EXPECT_TENSOR_NEAR(
      forward(500, &reuse),
      shorter.forward(latents_, at::full({1}, 500.0), context_, {}, nullptr, nullptr, &reuse),
      test::kExact);
}

TEST_F(BlockReuseTest, MisuseIsNamed) {
  BlockReuse reuse{.is_reused = true, .residual = {}};
  EXPECT_ERROR(forward(1, &reuse), ErrorCode::kInvalidArgument, "wanted [1, 18, 32]");
}

TEST_F(BlockReuseTest, TimeFeaturesAreWhatTheBlocksGet) {
  const at::Tensor one = model_.time_features(at::full({2}, 600.0));
  EXPECT_EQ(one.sizes(), (at::IntArrayRef{2, 1, 6, 32}));
  at::Tensor per_frame = at::full({1, 3}, 600.0);
  per_frame[0][0] = 0;
  const at::Tensor each = model_.time_features(per_frame);
  EXPECT_EQ(each.sizes(), (at::IntArrayRef{1, 3, 6, 32}));
  EXPECT_TENSOR_NEAR(each.select(1, 2), one.select(1, 0).narrow(0, 0, 1), test::kFp32Reordered);
  EXPECT_GT(each.select(1, 0).sub(each.select(1, 1)).abs().max().item<float>(), 1e-3);

  // Written out: SiLU between two linear layers, SiLU, a third one.
  const auto& weights = store_.tensors();
  const auto linear = [&](const std::string& name, const at::Tensor& x) {
    return x.matmul(weights.at(name + ".weight").t()).add(weights.at(name + ".bias"));
  };
  const auto silu = [](const at::Tensor& x) { return x.mul(x.sigmoid()); };
  at::Tensor sinusoid = at::full({1, 256}, 0.0);
  for (int64_t k = 0; k < 128; ++k) {
    const double angle = 600 * std::pow(10000.0, -static_cast<double>(k) / 128);
    sinusoid[0][k] = std::cos(angle);
    sinusoid[0][128 + k] = std::sin(angle);
  }
  const at::Tensor e = linear("time_embedding.2", silu(linear("time_embedding.0", sinusoid)));
  EXPECT_TENSOR_NEAR(linear("time_projection.1", silu(e)).view({1, 1, 6, 32}), one.narrow(0, 0, 1),
                     test::kFp32Reordered);
}

}  // namespace
}  // namespace mw::wan
