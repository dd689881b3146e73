// SPDX-License-Identifier: Apache-2.0
// Equality with diffusers' AutoencoderKLWan (golden by tools/goldens/wan_vae.py) and with published
// vectors of the original.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "mw/models/vae/wan_vae.h"
#include "mw/models/vae/wan_vae_key_map.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"

namespace mw::vae {
namespace {

double relative_error(const at::Tensor& got, const at::Tensor& wanted) {
  return got.to(at::kFloat).sub(wanted).square().mean().item<double>() /
         wanted.square().mean().item<double>();
}

/// The golden as a `vae/` folder, and what diffusers computed with it.
class WanVAEParityTest : public ::testing::Test {
 protected:
  WanVAEParityTest() {
    metadata_ =
        nn::read_metadata(std::string(MW_SOURCE_DIR) + "/tests/goldens/vae/wan_vae.safetensors");
    std::ofstream(folder_.path() / "config.json") << metadata_.at("config");
    for (const auto& [name, tensor] : golden_) {
      const std::string prefix = "weights.";
      if (name.starts_with(prefix)) weights_.emplace(name.substr(prefix.size()), tensor);
    }
    nn::write_tensors(folder_.path() / "diffusion_pytorch_model.safetensors", weights_);
  }

  test::ScratchFolder folder_;
  nn::TensorMap golden_ = test::load_golden("vae/wan_vae");
  nn::TensorMap weights_;  // Under diffusers' names.
  nn::Metadata metadata_;
};

TEST_F(WanVAEParityTest, Float32Agrees) {
  const WanVAE vae = WanVAE::load(folder_.path());
  EXPECT_TENSOR_NEAR(vae.moments(golden_.at("in.video")), golden_.at("moments"), test::kFp32Parity);
  EXPECT_TENSOR_NEAR(vae.decode(vae.normalize(golden_.at("in.latents"))), golden_.at("video"),
                     test::kFp32Parity);
}

TEST_F(WanVAEParityTest, Bfloat16IsNoWorseThanThePeer) {
  const WanVAE vae = WanVAE::load(folder_.path(), at::kBFloat16);
  const double moments_error =
      relative_error(vae.moments(golden_.at("in.video")), golden_.at("moments"));
  const at::Tensor latents = vae.normalize(golden_.at("in.latents"));
  const double video_error = relative_error(vae.decode(latents), golden_.at("video"));
  RecordProperty("bf16_moments_error", std::to_string(moments_error));
  RecordProperty("bf16_video_error", std::to_string(video_error));
  EXPECT_LE(moments_error, std::stod(metadata_.at("peer_bf16_moments_error")));
  EXPECT_LE(video_error, std::stod(metadata_.at("peer_bf16_video_error")));
}

TEST_F(WanVAEParityTest, NamesGoThereAndBack) {
  const WanVAEConfig config = WanVAEConfig::read(folder_.path() / "config.json");
  nn::ParameterStore created = nn::ParameterStore::created(1);
  const WanVAE vae(config, nn::WeightScope(created));
  std::set<std::string> originals;
  for (const auto& [name, tensor] : weights_) {
    const std::string original = original_name(name, config);
    EXPECT_EQ(diffusers_name(original, config), name);
    EXPECT_TRUE(created.has(original)) << name << " became " << original;
    originals.insert(original);
  }
  EXPECT_EQ(originals.size(), created.tensors().size());
}

TEST_F(WanVAEParityTest, OriginalNamingComputesTheSame) {
  const WanVAE vae = WanVAE::load(folder_.path());
  const at::Tensor wanted = vae.encode(golden_.at("in.video"));
  const nn::ParameterStore store = load_wan_vae_weights(folder_.path(), vae.config(), at::kFloat);
  ASSERT_TRUE(store.has("encoder.downsamples.0.residual.2.weight"));
  const std::filesystem::path folder = folder_.path() / "original";
  std::filesystem::create_directory(folder);
  vae.config().write(folder / "config.json");
  nn::TensorMap prefixed;
  for (const auto& [name, tensor] : store.tensors()) prefixed.emplace("model." + name, tensor);
  nn::write_tensors(folder / "Wan2.1_VAE.safetensors", prefixed);
  EXPECT_TENSOR_NEAR(WanVAE::load(folder).encode(golden_.at("in.video")), wanted, test::kExact);
}

TEST_F(WanVAEParityTest, StrangeWeightsAreNamed) {
  weights_.emplace("encoder.extra.weight", weights_.begin()->second);
  nn::write_tensors(folder_.path() / "diffusion_pytorch_model.safetensors", weights_);
  EXPECT_ERROR(WanVAE::load(folder_.path()), ErrorCode::kWeights, "encoder.extra.weight");
}

struct Published {
  double mean, deviation, absmax;
  std::vector<double> first, last;
};

void expect_published(const at::Tensor& out, const Published& wanted) {
  const at::Tensor flat = out.flatten();
  EXPECT_NEAR(flat.mean().item<double>(), wanted.mean, 2e-6);
  EXPECT_NEAR(flat.std(/*unbiased=*/false).item<double>(), wanted.deviation, 2e-6);
  EXPECT_NEAR(flat.abs().max().item<double>(), wanted.absmax, 1e-5);
  for (int64_t i = 0; i < 4; ++i) {
    const auto k = static_cast<size_t>(i);
    EXPECT_NEAR(flat[i].item<double>(), wanted.first[k], 1e-5) << i;
    EXPECT_NEAR(flat[flat.numel() - 4 + i].item<double>(), wanted.last[k], 1e-5) << i;
  }
}

/// Published vectors: weight k in order of names, element i, is 0.1 sin(0.7 (i mod 1009) + 1.3 k),
/// plus 1 for gains; the original's autoencoder at width 8.
class WanVAEPublishedTest : public ::testing::Test {
 protected:
  WanVAEPublishedTest() {
    WanVAEConfig config;
    config.base_dim = 8;
    vae_.emplace(config, nn::WeightScope(store_));
    int64_t k = 0;
    for (const auto& [name, tensor] : store_.tensors()) {
      float* data = tensor.data_ptr<float>();
      const double offset = name.ends_with("gamma") ? 1 : 0;
      for (int64_t i = 0; i < tensor.numel(); ++i) {
        const double angle = 0.7 * static_cast<double>(i % 1009) + 1.3 * static_cast<double>(k);
        data[i] = static_cast<float>(0.1 * std::sin(angle) + offset);
      }
      ++k;
    }
  }

  nn::ParameterStore store_ = nn::ParameterStore::created(1);
  std::optional<WanVAE> vae_;
};

TEST_F(WanVAEPublishedTest, Encoder) {
  const at::Tensor moments = vae_->moments(test::ramp({1, 3, 5, 16, 24}, 0.31));
  expect_published(moments.narrow(1, 0, 16), {0.009426,
                                              1.390768,
                                              3.047091,
                                              {0.391123, 0.896024, 0.98337, 0.832897},
                                              {-2.081304, -1.381443, -1.033281, -0.098247}});
}

TEST_F(WanVAEPublishedTest, DecoderBeforeItsClamp) {
  // Halving the last convolution k times halves its output exactly: out of the clamp's reach.
  const double scale = 0.125;
  for (const char* name : {"decoder.head.2.weight", "decoder.head.2.bias"}) {
    store_.tensors().at(name).mul_(scale);
  }
  const at::Tensor latents = vae_->normalize(test::ramp({1, 16, 2, 2, 3}, 0.29));
  expect_published(vae_->decode(latents).div(scale), {0.051265,
                                                      1.685967,
                                                      5.492708,
                                                      {0.413774, 0.199725, -0.02828, 0.036742},
                                                      {0.455061, -0.199734, -0.831978, -0.965645}});
}

}  // namespace
}  // namespace mw::vae
