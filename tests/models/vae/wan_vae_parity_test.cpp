// SPDX-License-Identifier: Apache-2.0
// Equality with diffusers' AutoencoderKLWan (goldens by tools/goldens/wan_vae.py and wan_vae22.py)
// and with published vectors of the originals.
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
class WanVAEParityTest : public ::testing::TestWithParam<const char*> {
 protected:
  WanVAEParityTest() {
    metadata_ = nn::read_metadata(std::string(MW_SOURCE_DIR) + "/tests/goldens/vae/" + GetParam() +
                                  ".safetensors");
    std::ofstream(folder_.path() / "config.json") << metadata_.at("config");
    for (const auto& [name, tensor] : golden_) {
      const std::string prefix = "weights.";
      if (name.starts_with(prefix)) weights_.emplace(name.substr(prefix.size()), tensor);
    }
    nn::write_tensors(folder_.path() / "diffusion_pytorch_model.safetensors", weights_);
  }

  test::ScratchFolder folder_;
  nn::TensorMap golden_ = test::load_golden(std::string("vae/") + GetParam());
  nn::TensorMap weights_;  // Under diffusers' names.
  nn::Metadata metadata_;
};

TEST_P(WanVAEParityTest, Float32Agrees) {
  const WanVAE vae = WanVAE::load(folder_.path());
  EXPECT_TENSOR_NEAR(vae.moments(golden_.at("in.video")), golden_.at("moments"), test::kFp32Parity);
  EXPECT_TENSOR_NEAR(vae.decode(vae.normalize(golden_.at("in.latents"))), golden_.at("video"),
                     test::kFp32Parity);
}

TEST_P(WanVAEParityTest, Bfloat16IsNoWorseThanThePeer) {
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

TEST_P(WanVAEParityTest, AnyChunkingGivesTheSame) {
  const WanVAE vae = WanVAE::load(folder_.path());
  const at::Tensor video = golden_.at("in.video");
  EXPECT_TENSOR_NEAR(vae.moments(video, 0), golden_.at("moments"), test::kFp32Parity);
  EXPECT_TENSOR_NEAR(vae.decode(vae.normalize(golden_.at("in.latents")), 2), golden_.at("video"),
                     test::kFp32Parity);
}

TEST_P(WanVAEParityTest, TheConfigSurvivesAFile) {
  const WanVAEConfig config = WanVAEConfig::read(folder_.path() / "config.json");
  config.write(folder_.path() / "again.json");
  const WanVAEConfig again = WanVAEConfig::read(folder_.path() / "again.json");
  EXPECT_EQ(again.is_residual, config.is_residual);
  EXPECT_EQ(again.patch_size, config.patch_size);
  EXPECT_EQ(again.decoder_width(), config.decoder_width());
  EXPECT_EQ(again.spatial_stride(), config.is_residual ? 16 : 8);
  EXPECT_EQ(again.latents_mean, config.latents_mean);
}

TEST_P(WanVAEParityTest, NamesGoThereAndBack) {
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

TEST_P(WanVAEParityTest, OriginalNamingComputesTheSame) {
  const WanVAE vae = WanVAE::load(folder_.path());
  const at::Tensor wanted = vae.encode(golden_.at("in.video"));
  const nn::ParameterStore store = load_wan_vae_weights(folder_.path(), vae.config(), at::kFloat);
  ASSERT_TRUE(store.has(vae.config().is_residual
                            ? "encoder.downsamples.0.downsamples.0.residual.2.weight"
                            : "encoder.downsamples.0.residual.2.weight"));
  const std::filesystem::path folder = folder_.path() / "original";
  std::filesystem::create_directory(folder);
  vae.config().write(folder / "config.json");
  nn::TensorMap prefixed;
  for (const auto& [name, tensor] : store.tensors()) prefixed.emplace("model." + name, tensor);
  nn::write_tensors(folder / "Wan2.1_VAE.safetensors", prefixed);
  EXPECT_TENSOR_NEAR(WanVAE::load(folder).encode(golden_.at("in.video")), wanted, test::kExact);
}

TEST_P(WanVAEParityTest, StrangeWeightsAreNamed) {
  weights_.emplace("encoder.extra.weight", weights_.begin()->second);
  nn::write_tensors(folder_.path() / "diffusion_pytorch_model.safetensors", weights_);
  EXPECT_ERROR(WanVAE::load(folder_.path()), ErrorCode::kWeights, "encoder.extra.weight");
}

INSTANTIATE_TEST_SUITE_P(Wan, WanVAEParityTest, ::testing::Values("wan_vae", "wan_vae22"),
                         [](const auto& test) { return std::string(test.param); });

/// Both autoencoders in tiles of 32 pixels every 16, as diffusers runs them.
class WanVAETilesTest : public WanVAEParityTest {
 protected:
  static constexpr Tiling kTiling{
      .tile_height = 32, .tile_width = 32, .stride_height = 16, .stride_width = 16};
  bool is_residual() const { return GetParam() == std::string("wan_vae22"); }
  at::Tensor wanted(const std::string& name) const {
    return is_residual() ? golden_.at(name) : test::load_golden("vae/wan_vae_tiles").at(name);
  }
};

TEST_P(WanVAETilesTest, AgreeWithDiffusers) {
  const WanVAE vae = WanVAE::load(folder_.path());
  const at::Tensor video =
      is_residual() ? test::ramp({1, 3, 5, 80, 96}, 0.31) : test::ramp({1, 3, 5, 40, 56}, 0.31);
  EXPECT_TENSOR_NEAR(vae.moments_in_tiles(video, kTiling), wanted("tiled_moments"), 1e-5);
  const at::Tensor latents =
      is_residual() ? test::ramp({1, 3, 1, 3, 3}, 0.29) : test::ramp({1, 4, 2, 5, 7}, 0.29);
  EXPECT_TENSOR_NEAR(vae.decode_in_tiles(vae.normalize(latents), kTiling), wanted("tiled_video"),
                     1e-5);
}

TEST_P(WanVAETilesTest, OneTileIsTheWhole) {
  const WanVAE vae = WanVAE::load(folder_.path());
  EXPECT_TENSOR_NEAR(vae.moments_in_tiles(golden_.at("in.video")), golden_.at("moments"),
                     test::kFp32Parity);
  const at::Tensor latents = vae.normalize(golden_.at("in.latents"));
  EXPECT_TENSOR_NEAR(vae.decode_in_tiles(latents), vae.decode(latents), test::kExact);
}

TEST_P(WanVAETilesTest, TilesAreWholeLatents) {
  const WanVAE vae = WanVAE::load(folder_.path());
  const at::Tensor latents = golden_.at("in.latents");
  EXPECT_ERROR(vae.decode_in_tiles(latents, {.tile_height = 36}), ErrorCode::kInvalidArgument,
               "tiles of 36 pixels every 192 can't be used");
  EXPECT_ERROR(vae.decode_in_tiles(latents, {.stride_width = 0}), ErrorCode::kInvalidArgument,
               "must be multiples");
}

INSTANTIATE_TEST_SUITE_P(Wan, WanVAETilesTest, ::testing::Values("wan_vae", "wan_vae22"),
                         [](const auto& test) { return std::string(test.param); });

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

/// Published recipe for reference weights: parameter k in order of names, element i, is
/// 0.1 sin(0.7 (i mod 1009) + 1.3 k), plus 1 for gains.
void fill_with_recipe(const nn::ParameterStore& store) {
  int64_t k = 0;
  for (const auto& [name, tensor] : store.tensors()) {
    float* data = tensor.data_ptr<float>();
    const double offset = name.ends_with("gamma") ? 1 : 0;
    for (int64_t i = 0; i < tensor.numel(); ++i) {
      const double angle = 0.7 * static_cast<double>(i % 1009) + 1.3 * static_cast<double>(k);
      data[i] = static_cast<float>(0.1 * std::sin(angle) + offset);
    }
    ++k;
  }
}

/// Decodes raw latents without meeting the clamp: an eighth of the last convolution's weights gives
/// exactly an eighth of its output.
at::Tensor decoded_before_clamp(const WanVAE& vae, const nn::ParameterStore& store,
                                const at::Tensor& latents) {
  const double scale = 0.125;
  for (const char* name : {"decoder.head.2.weight", "decoder.head.2.bias"}) {
    store.tensors().at(name).mul_(scale);
  }
  return vae.decode(vae.normalize(latents)).div(scale);
}

TEST(WanVAEPublishedTest, OfWan21) {
  WanVAEConfig config;
  config.base_dim = 8;
  nn::ParameterStore store = nn::ParameterStore::created(1);
  const WanVAE vae(config, nn::WeightScope(store));
  fill_with_recipe(store);
  expect_published(vae.moments(test::ramp({1, 3, 5, 16, 24}, 0.31)).narrow(1, 0, 16),
                   {0.009426,
                    1.390768,
                    3.047091,
                    {0.391123, 0.896024, 0.98337, 0.832897},
                    {-2.081304, -1.381443, -1.033281, -0.098247}});
  expect_published(decoded_before_clamp(vae, store, test::ramp({1, 16, 2, 2, 3}, 0.29)),
                   {0.051265,
                    1.685967,
                    5.492708,
                    {0.413774, 0.199725, -0.02828, 0.036742},
                    {0.455061, -0.199734, -0.831978, -0.965645}});
}

TEST(WanVAEPublishedTest, OfWan22) {
  WanVAEConfig config = WanVAEConfig::wan22();
  config.base_dim = 8;
  config.decoder_base_dim = 16;
  config.z_dim = 6;
  config.latents_mean.resize(6);
  config.latents_std.resize(6);
  nn::ParameterStore store = nn::ParameterStore::created(1);
  const WanVAE vae(config, nn::WeightScope(store));
  fill_with_recipe(store);
  expect_published(vae.moments(test::ramp({1, 3, 5, 32, 48}, 0.31)).narrow(1, 0, 6),
                   {0.046766,
                    0.968884,
                    2.067283,
                    {-0.88126, -0.930079, -0.084657, 0.348601},
                    {1.17191, 0.841429, 0.107738, -0.661826}});
  expect_published(decoded_before_clamp(vae, store, test::ramp({1, 6, 2, 2, 3}, 0.29)),
                   {0.004965,
                    2.006292,
                    6.213037,
                    {0.562827, 0.330818, 0.923235, 0.179873},
                    {4.81414, -1.150111, 3.296766, -1.63945}});
}

TEST(WanVAEPublishedTest, SizesOfBoth) {
  const auto sizes = [](const WanVAEConfig& config) {
    nn::ParameterStore store = nn::ParameterStore::without_values();
    const WanVAE vae(config, nn::WeightScope(store));
    return std::pair(store.num_parameters(), store.tensors().size());
  };
  EXPECT_EQ(sizes(WanVAEConfig()), std::pair(int64_t{126892531}, size_t{194}));
  EXPECT_EQ(sizes(WanVAEConfig::wan22()), std::pair(int64_t{704688668}, size_t{196}));
}

/// One file without a config: its shapes say which model it is.
class WanVAEFileTest : public ::testing::Test {
 protected:
  WanVAE load(WanVAEConfig config) {
    config.base_dim = 2;
    config.decoder_base_dim = 4;
    nn::ParameterStore store = nn::ParameterStore::created(1);
    const WanVAE vae(config, nn::WeightScope(store));
    store.save(folder_ / "vae.safetensors");
    return WanVAE::load(folder_ / "vae.safetensors");
  }
  test::ScratchFolder folder_;
};

TEST_F(WanVAEFileTest, IsToldByItsShapes) {
  const WanVAEConfig older = load(WanVAEConfig()).config();
  EXPECT_FALSE(older.is_residual);
  EXPECT_EQ(older.decoder_width(), 4);
  EXPECT_EQ(older.latents_mean, WanVAEConfig().latents_mean);
  const WanVAEConfig newer = load(WanVAEConfig::wan22()).config();
  EXPECT_TRUE(newer.is_residual);
  EXPECT_EQ(newer.base_dim, 2);
  EXPECT_EQ(newer.latents_std, WanVAEConfig::wan22().latents_std);
}

TEST_F(WanVAEFileTest, StrangeOnesAreNamed) {
  WanVAEConfig config;
  config.z_dim = 4;
  config.latents_mean.resize(4);
  config.latents_std.resize(4);
  EXPECT_ERROR(load(config), ErrorCode::kConfig, "has 4 latent channels");
  nn::write_tensors(folder_ / "vae.safetensors", {{"a", test::random_tensor({2}, 1)}});
  EXPECT_ERROR(WanVAE::load(folder_ / "vae.safetensors"), ErrorCode::kWeights, "'conv2.weight'");
}

}  // namespace
}  // namespace mw::vae
