// SPDX-License-Identifier: Apache-2.0
// The image encoder against transformers' CLIPVisionModel (golden by tools/goldens/clip.py) and
// published vectors of the original.
#include "mw/models/clip/vision_encoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"

namespace mw::clip {
namespace {

/// The golden as an `image_encoder/` folder.
class VisionParityTest : public ::testing::Test {
 protected:
  VisionParityTest() {
    std::ofstream(folder_ / "config.json") << metadata_.at("config");
    for (const auto& [name, tensor] : golden_) {
      const std::string prefix = "weights.";
      if (name.starts_with(prefix)) weights_.emplace(name.substr(prefix.size()), tensor);
    }
    write();
  }
  void write() const { nn::write_tensors(folder_ / "model.safetensors", weights_); }

  test::ScratchFolder folder_;
  nn::TensorMap golden_ = test::load_golden("clip/vision");
  nn::TensorMap weights_;  // Under Hugging Face's names.
  nn::Metadata metadata_ =
      nn::read_metadata(std::string(MW_SOURCE_DIR) + "/tests/goldens/clip/vision.safetensors");
};

TEST_F(VisionParityTest, Float32Agrees) {
  const VisionEncoder encoder = load_vision_encoder(folder_.path());
  EXPECT_TENSOR_NEAR(encoder.forward(golden_.at("in.pixel_values")), golden_.at("hidden_states"),
                     test::kFp32Parity);
}

TEST_F(VisionParityTest, Bfloat16IsNoWorseThanThePeer) {
  const VisionEncoder encoder = load_vision_encoder(folder_.path(), at::kBFloat16);
  const at::Tensor& wanted = golden_.at("hidden_states");
  const at::Tensor got = encoder.forward(golden_.at("in.pixel_values"));
  EXPECT_EQ(got.scalar_type(), at::kBFloat16);
  const double error = got.to(at::kFloat).sub(wanted).square().mean().item<double>() /
                       wanted.square().mean().item<double>();
  RecordProperty("bf16_error", std::to_string(error));
  EXPECT_LE(error, test::kBf16Parity);
  EXPECT_LE(error, std::stod(metadata_.at("peer_bf16_error")));
}

TEST_F(VisionParityTest, WhatIsNotRunMayBeThereOrNot) {
  weights_.emplace("visual_projection.weight", test::random_tensor({4, 32}, 1));
  weights_.emplace("text_model.embeddings.token_embedding.weight", test::random_tensor({4, 8}, 1));
  std::erase_if(weights_, [](const auto& entry) {
    return entry.first.find("layers.2.") != std::string::npos ||
           entry.first.find("post_layernorm") != std::string::npos;
  });
  write();
  EXPECT_TENSOR_NEAR(load_vision_encoder(folder_.path()).forward(golden_.at("in.pixel_values")),
                     golden_.at("hidden_states"), test::kFp32Parity);
}

TEST_F(VisionParityTest, StrangeAndMissingWeightsAreNamed) {
  weights_.emplace("vision_model.extra.weight", test::random_tensor({2}, 1));
  write();
  EXPECT_ERROR(load_vision_encoder(folder_.path()), ErrorCode::kWeights, "extra.weight");
  weights_.erase("vision_model.extra.weight");
  weights_.erase("vision_model.encoder.layers.1.self_attn.k_proj.bias");
  write();
  EXPECT_ERROR(load_vision_encoder(folder_.path()), ErrorCode::kWeights,
               "transformer.1.attn.to_qkv");
}

TEST_F(VisionParityTest, PixelsOfAnotherSizeAreRefused) {
  const VisionEncoder encoder = load_vision_encoder(folder_.path());
  EXPECT_ERROR(encoder.forward(test::random_tensor({1, 3, 28, 21}, 1)), ErrorCode::kInvalidArgument,
               "pixels must be [B, 3, 28, 28]");
}

TEST(VisionConfigTest, ReadsWhatItWritesAndRefusesOtherModels) {
  const test::ScratchFolder folder;
  VisionConfig config;
  config.width = 64;
  config.num_heads = 4;
  config.write(folder / "config.json");
  EXPECT_EQ(VisionConfig::read(folder / "config.json").width, 64);
  const auto expect_refused = [&](const std::string& text, ErrorCode code,
                                  const std::string& message) {
    std::ofstream(folder / "config.json") << text;
    EXPECT_ERROR(VisionConfig::read(folder / "config.json"), code, message);
  };
  expect_refused(R"({"hidden_size": 64})", ErrorCode::kConfig, "'quick_gelu', wanted 'gelu'");
  expect_refused(R"({"hidden_act": "gelu", "num_attention_heads": 7})", ErrorCode::kConfig,
                 "hidden_size 1280 is not 7 heads");
  expect_refused(R"({"hidden_act": "gelu", "patch_size": 0})", ErrorCode::kConfig, "size of 0");
  expect_refused("[", ErrorCode::kFormat, "config.json");
  std::ofstream(folder / "config.json")
      << R"({"model_type": "clip", "vision_config": {"hidden_act": "gelu", "hidden_size": 320}})";
  EXPECT_EQ(VisionConfig::read(folder / "config.json").width, 320);
}

/// Published recipe: parameter k in order of names, element i, is 0.1 sin(0.7 (i mod 1009) + 1.3
/// k), plus 1 for one-dimensional `.weight`s. The order counts what is never run too.
nn::TensorMap original_file(const VisionConfig& config) {
  std::map<std::string, std::vector<int64_t>> shapes = {
      {"cls_embedding", {1, 1, config.width}},
      {"head", {config.width, 32}},
      {"patch_embedding.weight", {config.width, 3, config.patch_size, config.patch_size}},
      {"pos_embedding", {1, config.num_tokens(), config.width}}};
  const auto add_norm = [&](const std::string& name) {
    shapes[name + ".weight"] = shapes[name + ".bias"] = {config.width};
  };
  const auto add_linear = [&](const std::string& name, int64_t in, int64_t out) {
    shapes[name + ".weight"] = {out, in};
    shapes[name + ".bias"] = {out};
  };
  add_norm("pre_norm");
  add_norm("post_norm");
  for (int64_t i = 0; i < config.num_layers; ++i) {
    const std::string layer = "transformer." + std::to_string(i) + ".";
    add_norm(layer + "norm1");
    add_norm(layer + "norm2");
    add_linear(layer + "attn.to_qkv", config.width, 3 * config.width);
    add_linear(layer + "attn.proj", config.width, config.width);
    add_linear(layer + "mlp.0", config.width, config.mlp_dim);
    add_linear(layer + "mlp.2", config.mlp_dim, config.width);
  }
  nn::TensorMap file;
  int64_t k = 0;
  for (const auto& [name, shape] : shapes) {
    const at::Tensor tensor = test::random_tensor(shape, 1);
    const double offset = shape.size() == 1 && name.ends_with(".weight") ? 1 : 0;
    for (int64_t i = 0; i < tensor.numel(); ++i) {
      const double angle = 0.7 * static_cast<double>(i % 1009) + 1.3 * static_cast<double>(k);
      tensor.data_ptr<float>()[i] = static_cast<float>(0.1 * std::sin(angle) + offset);
    }
    file.emplace("visual." + name, tensor);
    ++k;
  }
  file.emplace("log_scale", test::random_tensor({1}, 1));
  file.emplace("textual.token_embedding.weight", test::random_tensor({2, 2}, 1));
  return file;
}

TEST(VisionEncoderTest, PublishedVectorInTheOriginalsFile) {
  VisionConfig config;
  config.width = 64;
  config.mlp_dim = 256;
  config.num_layers = 3;
  config.num_heads = 4;
  config.image_size = 28;
  const test::ScratchFolder folder;
  config.write(folder / "config.json");
  nn::write_tensors(folder / "clip.safetensors", original_file(config));
  const at::Tensor flat =
      load_vision_encoder(folder.path()).forward(test::ramp({1, 3, 28, 28}, 0.31)).flatten();
  EXPECT_NEAR(flat.mean().item<double>(), -0.104759, 2e-6);
  EXPECT_NEAR(flat.std(/*unbiased=*/false).item<double>(), 6.884692, 5e-6);
  EXPECT_NEAR(flat.abs().max().item<double>(), 14.176783, 2e-5);
  const double first[] = {-0.143895, 2.932179, 1.226996, 1.221777};
  const double last[] = {-14.176783, -9.593663, -6.119918, -8.444487};
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(flat[i].item<double>(), first[i], 2e-5);
    EXPECT_NEAR(flat[flat.numel() - 4 + i].item<double>(), last[i], 2e-5);
  }
}

TEST(VisionEncoderTest, OneFileSaysItsOwnSizes) {
  VisionConfig config;
  config.width = 80;
  config.mlp_dim = 96;
  config.num_layers = 3;
  config.num_heads = 1;
  config.image_size = 42;
  const test::ScratchFolder folder;
  nn::write_tensors(folder / "clip.safetensors", original_file(config));
  const VisionConfig found = load_vision_encoder(folder / "clip.safetensors").config();
  EXPECT_EQ(found.width, 80);
  EXPECT_EQ(found.mlp_dim, 96);
  EXPECT_EQ(found.num_layers, 3);
  EXPECT_EQ(found.num_heads, 1);
  EXPECT_EQ(found.image_size, 42);
  EXPECT_EQ(found.patch_size, 14);
}

TEST(VisionEncoderTest, PublishedSize) {
  const VisionConfig config;
  nn::ParameterStore store = nn::ParameterStore::without_values();
  const VisionEncoder encoder(config, nn::WeightScope(store));
  const int64_t d = config.width, m = config.mlp_dim;
  const int64_t layer = 4 * d + 4 * d * d + 4 * d + 2 * d * m + d + m;
  // What is not run: the last layer, the final norm and the projection to 1024.
  EXPECT_EQ(store.num_parameters() + layer + 2 * d + d * 1024, 632076800);
  EXPECT_EQ(config.num_tokens(), 257);
}

TEST(ClipKeyMapTest, PublishedPairs) {
  EXPECT_EQ(original_name("vision_model.pre_layrnorm.bias"), "pre_norm.bias");
  EXPECT_EQ(original_name("vision_model.embeddings.position_embedding.weight"), "pos_embedding");
  EXPECT_EQ(original_name("vision_model.encoder.layers.12.mlp.fc2.weight"),
            "transformer.12.mlp.2.weight");
  EXPECT_EQ(original_name("vision_model.encoder.layers.1.self_attn.v_proj.bias"),
            "transformer.1.attn.to_qkv.2.bias");
  EXPECT_EQ(original_name("visual.pre_norm.bias"), "visual.pre_norm.bias");
}

}  // namespace
}  // namespace mw::clip
