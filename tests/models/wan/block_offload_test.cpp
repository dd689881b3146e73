// SPDX-License-Identifier: Apache-2.0
#include "mw/models/wan/block_offload.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include "mw/models/wan/load_transformer.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"

namespace mw::wan {
namespace {

WanConfig tiny_config() {
  WanConfig config;
  config.dim = 96;
  config.ffn_dim = 192;
  config.num_heads = 2;
  config.num_layers = 2;
  config.freq_dim = 32;
  config.text_dim = 16;
  config.text_len = 8;
  return config;
}

/// A random model of two blocks, of more than a page for each matrix, in a folder.
class BlockOffloadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    nn::ParameterStore store = nn::ParameterStore::created(3);
    const Transformer model(config_, nn::WeightScope(store));
    store.save(scratch_ / "diffusion_pytorch_model.safetensors");
    config_.write(scratch_ / "config.json");
  }

  at::Tensor run(const Transformer& model, const LayerProbe& probe) const {
    const at::NoGradGuard no_grad;
    const Context context = model.context(test::random_tensor({1, 4, 16}, 1));
    return model.forward(test::random_tensor({1, 16, 1, 4, 4}, 2), at::full({1}, 500.0), context,
                         {}, nullptr, probe);
  }

  WanConfig config_ = tiny_config();
  test::ScratchFolder scratch_;
};

TEST_F(BlockOffloadTest, DroppedBlocksComeBackAsTheyWere) {
  nn::ParameterStore store = load_weights(scratch_.path());
  const Transformer model(config_, nn::WeightScope(store));
  const BlockOffload offload(store.tensors());
  EXPECT_GT(offload.num_bytes(), 2 * 8 * 96 * 96 * 4 / 2);
  const at::Tensor wanted = run(model, nullptr);
  for (int pass = 0; pass < 2; ++pass) {
    EXPECT_TENSOR_NEAR(run(model, offload.probe()), wanted, test::kExact);
  }
}

TEST_F(BlockOffloadTest, ConvertedWeightsStay) {
  nn::ParameterStore store = load_weights(scratch_.path(), at::kBFloat16);
  const Transformer model(config_, nn::WeightScope(store));
  const BlockOffload offload(store.tensors());
  // Only what stays float32 is still the file's: the tables of the norms, smaller than a page.
  EXPECT_LT(offload.num_bytes(), 2 * 4096 * 16);
  EXPECT_TENSOR_NEAR(run(model, offload.probe()), run(model, nullptr), test::kExact);
}

TEST_F(BlockOffloadTest, StrangeNumbersOfBlocksAreIgnored) {
  const at::Tensor weight = test::random_tensor({8}, 1);
  const BlockOffload offload({{"blocks.99999999999999999999.weight", weight},
                              {"blocks.7.weight", weight},
                              {"blocks.x", weight}});
  EXPECT_EQ(offload.num_bytes(), 0);
  offload.probe()(7, weight);
}

}  // namespace
}  // namespace mw::wan
