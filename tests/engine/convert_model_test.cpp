// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/convert_model.h"

#include <gtest/gtest.h>

#include "mw/engine/model_report.h"
#include "mw/models/text/umt5_encoder.h"
#include "mw/models/vae/wan_vae.h"
#include "mw/models/wan/load_transformer.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"

namespace mw::engine {
namespace {

namespace fs = std::filesystem;

/// An original release with every part, small and with random weights.
void write_original(const fs::path& folder) {
  fs::create_directories(folder / "google/umt5-xxl");
  wan::WanConfig config;
  config.dim = 16;
  config.ffn_dim = 32;
  config.num_heads = 2;
  config.num_layers = 2;
  config.in_dim = 36;
  config.image_dim = 1280;
  config.text_dim = 8;
  nn::ParameterStore transformer = nn::ParameterStore::created(1);
  const wan::Transformer model(config, nn::WeightScope(transformer));
  config.write(folder / "config.json");
  transformer.save(folder / "diffusion_pytorch_model.safetensors");
  vae::WanVAEConfig vae_config;
  vae_config.base_dim = 4;
  nn::ParameterStore vae = nn::ParameterStore::created(2);
  const vae::WanVAE vae_model(vae_config, nn::WeightScope(vae));
  vae.save(folder / "Wan2.1_VAE.safetensors");
  text::UMT5Config text_config;
  text_config.vocab_size = 12;
  text_config.d_model = 8;
  text_config.d_kv = 4;
  text_config.d_ff = 16;
  text_config.num_layers = 2;
  text_config.num_heads = 2;
  nn::ParameterStore text = nn::ParameterStore::created(3);
  const text::UMT5Encoder text_model(text_config, nn::WeightScope(text));
  text.save(folder / "models_t5_umt5-xxl-enc-bf16.safetensors");
  test::write_bytes(folder / "google/umt5-xxl/spiece.model", "pieces");
  nn::write_tensors(folder / "models_clip_open-clip.safetensors",
                    {{"visual.cls_embedding", test::random_tensor({1, 1, 4}, 4)}});
}

void expect_same_tensors(const fs::path& got, const fs::path& wanted) {
  const nn::TensorMap a = nn::read_tensors(got), b = nn::read_tensors(wanted);
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : b) {
    ASSERT_EQ(a.count(name), 1u) << name;
    EXPECT_EQ(a.at(name).scalar_type(), tensor.scalar_type());
    EXPECT_TENSOR_NEAR(a.at(name), tensor, test::kExact);
  }
}

TEST(ConvertModelTest, ThereAndBackGivesTheSameTensors) {
  const test::ScratchFolder scratch;
  write_original(scratch / "original");
  const ModelLayout original = find_layout((scratch / "original").string());
  convert_model(original, {.to = LayoutKind::kDiffusers, .dtype = ""}, scratch / "diffusers");
  const ModelLayout diffusers = find_layout((scratch / "diffusers").string());
  EXPECT_EQ(diffusers.kind, LayoutKind::kDiffusers);
  EXPECT_EQ(diffusers.naming, wan::Naming::kDiffusers);
  EXPECT_EQ(diffusers.defaults.shift, original.defaults.shift);
  EXPECT_EQ(nn::read_tensors(diffusers.transformer).count("blocks.0.attn2.add_k_proj.weight"), 1u);
  EXPECT_EQ(nn::read_tensors(diffusers.vae).count("post_quant_conv.weight"), 1u);
  EXPECT_EQ(nn::read_tensors(diffusers.text_encoder).count("shared.weight"), 1u);
  EXPECT_EQ(test::read_bytes(diffusers.part("tokenizer")), "pieces");
  wan::load_transformer(diffusers.transformer);
  vae::WanVAE::load(diffusers.vae);
  text::load_umt5(diffusers.text_encoder);

  const auto parts =
      convert_model(diffusers, {.to = LayoutKind::kOriginal, .dtype = ""}, scratch / "again");
  EXPECT_EQ(parts.size(), 5u);
  const ModelLayout again = find_layout((scratch / "again").string());
  EXPECT_EQ(again.family, original.family);
  expect_same_tensors(again.transformer, original.transformer);
  expect_same_tensors(again.part("vae"), original.vae);
  expect_same_tensors(again.part("text_encoder"), original.text_encoder);
  expect_same_tensors(again.part("image_encoder"), original.image_encoder);
  text::load_umt5(again.text_encoder);
  vae::WanVAE::load(again.vae);
}

TEST(ConvertModelTest, DTypeIsThatWhichWasAskedFor) {
  const test::ScratchFolder scratch;
  write_original(scratch / "original");
  convert_model(find_layout((scratch / "original").string()),
                {.to = LayoutKind::kOriginal, .dtype = "bf16"}, scratch / "half");
  const ModelReport report = inspect_model((scratch / "half").string());
  EXPECT_TRUE(report.missing.empty());
  EXPECT_EQ(report.parts.size(), 4u);
  EXPECT_EQ(report.parts[0].name, "transformer");
  EXPECT_EQ(report.parts[0].dtypes.count("BF16"), 1u);
  EXPECT_EQ(report.parts[0].dtypes.size(), 1u);
  EXPECT_EQ(report.parts[0].num_bytes, 2 * report.parts[0].num_parameters);
}

TEST(ConvertModelTest, WhatCannotBeConvertedLeavesNothing) {
  const test::ScratchFolder scratch;
  write_original(scratch / "original");
  const ModelLayout original = find_layout((scratch / "original").string());
  fs::create_directories(scratch / "there");
  EXPECT_ERROR(convert_model(original, {}, scratch / "there"), ErrorCode::kInvalidArgument,
               "exists; name a new folder");
  fs::resize_file(original.text_encoder, fs::file_size(original.text_encoder) / 2);
  EXPECT_ERROR(convert_model(original, {}, scratch / "new"), ErrorCode::kFormat, "truncated");
  EXPECT_EQ(scratch.num_entries(), 2u);
}

TEST(ModelReportTest, MissingPartsAreNamed) {
  const test::ScratchFolder scratch;
  write_original(scratch / "original");
  fs::remove(scratch / "original/Wan2.1_VAE.safetensors");
  fs::remove(scratch / "original/models_clip_open-clip.safetensors");
  const ModelReport report = inspect_model((scratch / "original").string());
  EXPECT_EQ(report.missing, (std::vector<std::string>{"vae", "image_encoder"}));
  EXPECT_EQ(report.family, "i2v-14b-480p");
}

TEST(ModelReportTest, FilesAreToldByTheirTensors) {
  const test::ScratchFolder scratch;
  write_original(scratch / "original");
  const ModelReport transformer =
      inspect_model((scratch / "original/diffusion_pytorch_model.safetensors").string());
  EXPECT_FALSE(transformer.layout);
  EXPECT_EQ(transformer.family, "i2v-14b-480p");
  EXPECT_EQ(transformer.parts[0].name, "transformer");
  const ModelReport vae = inspect_model((scratch / "original/Wan2.1_VAE.safetensors").string());
  EXPECT_EQ(vae.family, "");
  EXPECT_EQ(vae.parts[0].num_tensors, 194);
  // Without its config.json a transformer's file still says what it is.
  fs::remove(scratch / "original/config.json");
  const ModelLayout layout =
      find_layout((scratch / "original/diffusion_pytorch_model.safetensors").string());
  EXPECT_EQ(layout.family, "i2v-14b-480p");
  EXPECT_EQ(layout.part("vae"), fs::weakly_canonical(scratch / "original/Wan2.1_VAE.safetensors"));
}

}  // namespace
}  // namespace mw::engine
