// SPDX-License-Identifier: Apache-2.0
// Laws of the causal video autoencoder that hold for any weights.
#include "mw/models/vae/wan_vae.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <fstream>
#include <vector>

#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"

namespace mw::vae {
namespace {

WanVAEConfig tiny_config() {
  WanVAEConfig config;
  config.base_dim = 4;
  config.z_dim = 3;
  config.dim_mult = {1, 2, 2, 2};
  config.num_res_blocks = 1;
  config.latents_mean = {0.5, -1, 0.25};
  config.latents_std = {2, 0.5, 1.5};
  return config;
}

class WanVAETest : public ::testing::Test {
 protected:
  at::Tensor video(int64_t frames) const {
    return test::random_tensor({2, 3, frames, 16, 24}, 3).clamp(-1, 1);
  }

  nn::ParameterStore store_ = nn::ParameterStore::created(7);
  WanVAE vae_{tiny_config(), nn::WeightScope(store_)};
};

TEST_F(WanVAETest, DecodingInAnyChunksEqualsOnePass) {
  const at::Tensor latents = test::random_tensor({2, 3, 6, 2, 3}, 4);
  const at::Tensor whole = vae_.decode(latents, 0);
  EXPECT_EQ(whole.sizes(), (at::IntArrayRef{2, 3, 21, 16, 24}));
  for (const int64_t chunk : {1, 2, 3}) {
    EXPECT_TENSOR_NEAR(vae_.decode(latents, chunk), whole, 1e-5) << chunk;
  }
  StreamCache cache;
  std::vector<at::Tensor> streamed;
  int64_t first = 0;
  for (const int64_t count : {2, 1, 3}) {
    streamed.push_back(vae_.decode_chunk(latents.narrow(2, first, count), cache));
    EXPECT_EQ(streamed.back().size(2), first == 0 ? 4 * count - 3 : 4 * count);
    first += count;
  }
  EXPECT_TENSOR_NEAR(at::cat(streamed, 2), whole, 1e-5);
}

TEST_F(WanVAETest, EncodingInAnyChunksEqualsOnePass) {
  const at::Tensor frames = video(13);
  const at::Tensor whole = vae_.encode(frames, 0);
  EXPECT_EQ(whole.sizes(), (at::IntArrayRef{2, 3, 4, 2, 3}));
  for (const int64_t chunk : {1, 2, 3}) {
    EXPECT_TENSOR_NEAR(vae_.encode(frames, chunk), whole, 1e-5) << chunk;
  }
  StreamCache cache;
  const at::Tensor head = vae_.encode_chunk(frames.narrow(2, 0, 5), cache);
  const at::Tensor tail = vae_.encode_chunk(frames.narrow(2, 5, 8), cache);
  EXPECT_TENSOR_NEAR(at::cat({head, tail}, 2), whole, 1e-5);
}

TEST_F(WanVAETest, ANewStreamIsNotAPastOfZeros) {
  const at::Tensor latents = test::random_tensor({1, 3, 2, 2, 3}, 5);
  StreamCache fresh, zeroed;
  vae_.decode_chunk(latents, zeroed);
  zeroed.rewind();
  for (size_t slot = 0; slot < 64; ++slot) {
    at::Tensor& past = zeroed.next_slot();
    if (past.defined()) past.zero_();
  }
  const at::Tensor from_none = vae_.decode_chunk(latents, fresh);
  const at::Tensor from_zeros = vae_.decode_chunk(latents, zeroed);
  EXPECT_EQ(from_none.size(2), 5);
  EXPECT_EQ(from_zeros.size(2), 8);  // The first frame is one frame only at the very start.
  fresh.reset();
  EXPECT_TENSOR_NEAR(vae_.decode_chunk(latents, fresh), from_none, test::kExact);
}

TEST_F(WanVAETest, TheFutureChangesNothing) {
  const at::Tensor latents = test::random_tensor({1, 3, 4, 2, 3}, 6);
  const at::Tensor changed = latents.clone();
  changed.narrow(2, 3, 1).add_(5);
  const at::Tensor before = vae_.decode(latents), after = vae_.decode(changed);
  EXPECT_TENSOR_NEAR(after.narrow(2, 0, 9), before.narrow(2, 0, 9), test::kExact);
  EXPECT_GT(after.narrow(2, 9, 4).sub(before.narrow(2, 9, 4)).abs().max().item<double>(), 1e-3);
}

TEST_F(WanVAETest, OneFrameIsOneLatent) {
  EXPECT_EQ(vae_.decode(test::random_tensor({1, 3, 1, 2, 3}, 8)).size(2), 1);
  EXPECT_EQ(vae_.encode(video(1)).size(2), 1);
}

TEST(UpsampleTest, TheFirstFrameStaysOneAndIsHiddenFromTheOthers) {
  nn::ParameterStore store = nn::ParameterStore::created(2);
  const Upsample upsample(nn::WeightScope(store), 4, 2, /*is_temporal=*/true);
  const at::Tensor x = test::random_tensor({1, 4, 3, 2, 2}, 1);
  const at::Tensor changed = x.clone();
  changed.narrow(2, 0, 1).add_(3);
  StreamCache cache, other;
  const at::Tensor before = upsample.forward(x, cache), after = upsample.forward(changed, other);
  EXPECT_EQ(before.sizes(), (at::IntArrayRef{1, 2, 5, 4, 4}));
  EXPECT_TENSOR_NEAR(after.narrow(2, 1, 4), before.narrow(2, 1, 4), test::kExact);
  EXPECT_GT(after.sub(before).narrow(2, 0, 1).abs().max().item<double>(), 1e-2);
}

TEST_F(WanVAETest, IncompleteGroupsAreDropped) {
  const at::Tensor frames = video(7);
  EXPECT_TENSOR_NEAR(vae_.encode(frames), vae_.encode(frames.narrow(2, 0, 5)), test::kExact);
}

TEST_F(WanVAETest, ABatchIsItsItems) {
  const at::Tensor frames = video(5);
  const at::Tensor both = vae_.encode(frames);
  for (int64_t i = 0; i < 2; ++i) {
    EXPECT_TENSOR_NEAR(vae_.encode(frames.narrow(0, i, 1)), both.narrow(0, i, 1),
                       test::kFp32Reordered);
  }
}

TEST_F(WanVAETest, NormalisationIsPerChannelAndUndone) {
  const at::Tensor raw = test::random_tensor({1, 3, 2, 2, 3}, 9);
  const at::Tensor latents = vae_.normalize(raw);
  EXPECT_TENSOR_NEAR(latents.select(1, 1), raw.select(1, 1).add(1).div(0.5), test::kFp32Reordered);
  EXPECT_TENSOR_NEAR(vae_.denormalize(latents), raw, test::kFp32Reordered);
  const at::Tensor moments = vae_.moments(video(5));
  EXPECT_EQ(moments.size(1), 6);
  EXPECT_TENSOR_NEAR(vae_.encode(video(5)), vae_.normalize(moments.narrow(1, 0, 3)), test::kExact);
}

TEST_F(WanVAETest, GradientsReachEveryWeight) {
  for (const auto& [name, tensor] : store_.tensors()) tensor.requires_grad_(true);
  const at::Tensor latents = vae_.encode(video(9));
  vae_.decode(latents).square().mean().backward();
  for (const auto& [name, tensor] : store_.tensors()) {
    ASSERT_TRUE(tensor.grad().defined()) << name;
    EXPECT_GT(tensor.grad().abs().max().item<double>(), 0) << name;
  }
}

TEST_F(WanVAETest, StreamMemoryIsFlat) {
  StreamCache cache;
  const at::Tensor latents = test::random_tensor({1, 3, 1, 2, 3}, 10);
  for (int64_t i = 0; i < 3; ++i) vae_.decode_chunk(latents, cache);
  const size_t held = cache.num_bytes();
  for (int64_t i = 0; i < 5; ++i) vae_.decode_chunk(latents, cache);
  EXPECT_EQ(cache.num_bytes(), held);
}

TEST_F(WanVAETest, WrongShapesAreNamed) {
  EXPECT_ERROR(vae_.encode(at::zeros({1, 3, 5, 16, 20})), ErrorCode::kInvalidArgument,
               "multiples of 8");
  EXPECT_ERROR(vae_.encode(at::zeros({1, 4, 5, 16, 24})), ErrorCode::kInvalidArgument,
               "[B, 3, F, H, W]");
  EXPECT_ERROR(vae_.decode(at::zeros({1, 4, 1, 2, 3})), ErrorCode::kInvalidArgument, "[B, 3");
  StreamCache cache;
  EXPECT_ERROR(vae_.encode_chunk(video(4), cache), ErrorCode::kInvalidArgument, "the first");
  vae_.encode_chunk(video(5), cache);
  EXPECT_ERROR(vae_.encode_chunk(video(5), cache), ErrorCode::kInvalidArgument, "multiple of 4");
}

TEST(WanVAEConfigTest, WrittenIsRead) {
  const test::ScratchFolder folder;
  const WanVAEConfig written = tiny_config();
  written.write(folder.path() / "config.json");
  const WanVAEConfig read = WanVAEConfig::read(folder.path() / "config.json");
  EXPECT_EQ(read.base_dim, written.base_dim);
  EXPECT_EQ(read.z_dim, written.z_dim);
  EXPECT_EQ(read.dim_mult, written.dim_mult);
  EXPECT_EQ(read.num_res_blocks, written.num_res_blocks);
  EXPECT_EQ(read.temporal_downsample, written.temporal_downsample);
  EXPECT_EQ(read.latents_mean, written.latents_mean);
  EXPECT_EQ(read.latents_std, written.latents_std);
  EXPECT_EQ(read.spatial_stride(), 8);
  EXPECT_EQ(read.temporal_stride(), 4);
}

TEST(WanVAEConfigTest, OtherModelsAreRefused) {
  const test::ScratchFolder folder;
  const auto expect_refused = [&](const std::string& text, ErrorCode code,
                                  const std::string& message) {
    std::ofstream(folder.path() / "config.json") << text;
    EXPECT_ERROR(WanVAEConfig::read(folder.path() / "config.json"), code, message);
  };
  expect_refused(R"({"_class_name": "FrameVAE"})", ErrorCode::kConfig, "FrameVAE");
  expect_refused(R"({"_class_name": "AutoencoderKLWan", "is_residual": true, "base_dim": 7,
                     "dim_mult": [1, 3, 4, 5]})",
                 ErrorCode::kConfig, "successive levels must divide");
  expect_refused(R"({"_class_name": "AutoencoderKLWan", "patch_size": 0})", ErrorCode::kConfig,
                 "patch_size");
  expect_refused(R"({"_class_name": "AutoencoderKLWan", "z_dim": 4})", ErrorCode::kConfig,
                 "latents_mean");
  expect_refused(R"({"_class_name": "AutoencoderKLWan", "dim_mult": [1, 2]})", ErrorCode::kConfig,
                 "temperal_downsample");
  expect_refused("{", ErrorCode::kFormat, "config.json");
}

}  // namespace
}  // namespace mw::vae
