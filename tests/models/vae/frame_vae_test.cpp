// SPDX-License-Identifier: Apache-2.0
#include "mw/models/vae/frame_vae.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/tensors.h"

namespace mw::vae {
namespace {

namespace fs = std::filesystem;

/// Every weight random, so that no block is an identity.
nn::ParameterStore random_store(const FrameVAEConfig& config) {
  nn::ParameterStore store = nn::ParameterStore::created(1);
  const FrameVAE built(config, nn::WeightScope(store));
  uint64_t seed = 10;
  for (const auto& [name, tensor] : store.tensors()) {
    tensor.copy_(test::random_tensor(tensor.sizes(), ++seed).mul(0.05));
  }
  return store;
}

TEST(FrameVAETest, ShapesAndFrameIndependence) {
  nn::ParameterStore store = random_store({});
  const FrameVAE vae({}, nn::WeightScope(store));
  const at::Tensor pixels = test::random_tensor({3, 3, 96, 176}, 2).tanh();
  const at::Tensor latents = vae.encode(pixels);
  EXPECT_EQ(latents.sizes(), (std::vector<int64_t>{3, 16, 12, 22}));
  const at::Tensor decoded = vae.decode(latents);
  EXPECT_EQ(decoded.sizes(), pixels.sizes());
  EXPECT_EQ(vae.depth(latents).sizes(), (std::vector<int64_t>{3, 1, 24, 44}));
  EXPECT_TENSOR_NEAR(vae.decode(vae.encode(pixels.narrow(0, 1, 1))), decoded.narrow(0, 1, 1),
                     test::kFp32Reordered);
}

TEST(FrameVAETest, StatisticsNormaliseAndUndoThemselves) {
  FrameVAEConfig config;
  nn::ParameterStore store = random_store(config);
  const FrameVAE raw(config, nn::WeightScope(store));
  config.latents_mean.assign(16, 0.5);
  config.latents_std.assign(16, 2.0);
  const FrameVAE normalised(config, nn::WeightScope(store));
  const at::Tensor pixels = test::random_tensor({1, 3, 16, 16}, 3).tanh();
  EXPECT_TENSOR_NEAR(normalised.encode(pixels), raw.encode(pixels).sub(0.5).div(2),
                     test::kFp32Reordered);
  EXPECT_TENSOR_NEAR(normalised.decode(normalised.encode(pixels)), raw.decode(raw.encode(pixels)),
                     test::kFp32Reordered);
}

TEST(FrameVAETest, SavedFolderLoadsEqual) {
  const fs::path folder = fs::path(::testing::TempDir()) / "frame_vae";
  fs::create_directories(folder);
  FrameVAEConfig config;
  config.latents_mean.assign(16, 0.1);
  config.latents_std.assign(16, 1.5);
  nn::ParameterStore store = random_store(config);
  config.write(folder / "config.json");
  store.save(folder / "diffusion_pytorch_model.safetensors");
  const at::Tensor pixels = test::random_tensor({1, 3, 16, 24}, 4).tanh();
  EXPECT_TENSOR_NEAR(FrameVAE::load(folder).encode(pixels),
                     FrameVAE(config, nn::WeightScope(store)).encode(pixels), test::kExact);
}

TEST(FrameVAETest, BadInputIsNamed) {
  nn::ParameterStore store = random_store({});
  const FrameVAE vae({}, nn::WeightScope(store));
  EXPECT_ERROR(vae.encode(test::random_tensor({1, 3, 20, 16}, 5)), ErrorCode::kInvalidArgument,
               "divisible by 8, got [1, 3, 20, 16]");
  const fs::path file = fs::path(::testing::TempDir()) / "other_config.json";
  std::ofstream(file) << R"({"_class_name": "AutoencoderKLWan"})";
  EXPECT_ERROR(FrameVAEConfig::read(file), ErrorCode::kConfig, "describes a AutoencoderKLWan");
}

}  // namespace
}  // namespace mw::vae
