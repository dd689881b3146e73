// SPDX-License-Identifier: Apache-2.0
#include "mw/models/lora/lora_file.h"

#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "mw/models/lora/lora_keys.h"
#include "mw/models/lora/merge_lora.h"
#include "mw/models/wan/key_map.h"
#include "mw/models/wan/transformer.h"
#include "tests/support/tensors.h"

namespace mw::lora {
namespace {

at::Tensor matrix(int64_t rows, int64_t columns) {
  return test::random_tensor({rows, columns}, static_cast<uint64_t>(rows * 100 + columns));
}

/// A pair for a module of [4, 6].
nn::TensorMap pair_for(const std::string& module) {
  return {{module + ".lora_down.weight", matrix(2, 6)}, {module + ".lora_up.weight", matrix(4, 2)}};
}

std::string module_of(const std::string& key, bool is_diffusers = false) {
  const auto parsed = parse_key(key, is_diffusers);
  return parsed ? parsed->module : "none";
}

TEST(LoraKeysTest, PublishedExamples) {
  EXPECT_EQ(module_of("transformer.blocks.0.attn1.to_q.lora_A.weight", true),
            "blocks.0.self_attn.q");
  EXPECT_EQ(module_of("diffusion_model.blocks.0.self_attn.q.lora_down.weight"),
            "blocks.0.self_attn.q");
  EXPECT_EQ(module_of("lora_unet_blocks_0_self_attn_q.alpha"), "blocks.0.self_attn.q");
  EXPECT_EQ(module_of("lora_unet__blocks_12_cross_attn_k_img.lora_up.weight"),
            "blocks.12.cross_attn.k_img");
  EXPECT_EQ(module_of("base_model.model.blocks.0.cross_attn.k.lora_A.default.weight"),
            "blocks.0.cross_attn.k");
  EXPECT_EQ(module_of("pipe.dit.blocks.3.ffn.0.lora_B.weight"), "blocks.3.ffn.0");
  EXPECT_EQ(module_of("blocks.0.self_attn.q.lora_A.weight"), "blocks.0.self_attn.q");
  EXPECT_EQ(module_of("lycoris_blocks_0_self_attn_to_q.lora_down.weight"), "blocks.0.self_attn.q");
  EXPECT_EQ(module_of("lycoris_blocks_0_cross_attn_to_out_0.lora_up.weight"),
            "blocks.0.cross_attn.o");
  EXPECT_EQ(module_of("lycoris_blocks_0_ffn_net_0_proj.alpha"), "blocks.0.ffn.0");
  EXPECT_EQ(module_of("lora_unet__img_emb_proj_3.alpha"), "img_emb.proj.3");
}

TEST(LoraKeysTest, WhatIsNoKeyIsNone) {
  for (const char* key :
       {"", ".alpha", "lora_unet_.alpha", "lora_unet_blocks_x_ffn_0.alpha",
        "lora_unet_blocks_0_self_attn.alpha", "lora_unet__blocks_0_self_attn_w.alpha",
        "blocks.0.self_attn.q.weight", "blocks.0.self_attn.q.dora_scale",
        "transformer.lora_A.weight.x", "diffusion_model..alpha.x"}) {
    EXPECT_FALSE(parse_key(key, false)) << key;
  }
  EXPECT_TRUE(is_of_text_encoder("lora_te__encoder_layers_0.alpha"));
  EXPECT_FALSE(is_of_text_encoder("lora_unet__head_head.alpha"));
}

/// Names of all linear layers of a model, as VideoX-Fun and Micro-World write them.
std::set<std::string> linear_keys(const wan::WanConfig& config, std::set<std::string>& modules) {
  nn::ParameterStore store = nn::ParameterStore::without_values();
  const wan::Transformer model(config, nn::WeightScope(store));
  std::set<std::string> keys;
  for (const auto& [name, tensor] : store.tensors()) {
    if (tensor.dim() != 2) continue;  // All matrices are weights of linear layers.
    const std::string module = name.substr(0, name.rfind('.'));
    modules.insert(module);
    std::string flat = module;
    std::replace(flat.begin(), flat.end(), '.', '_');
    keys.insert("lora_unet__" + flat);
  }
  return keys;
}

TEST(LoraKeysTest, EveryModuleOfThePublishedModelsIsFound) {
  wan::WanConfig text, image;
  image.dim = 5120;
  image.ffn_dim = 13824;
  image.num_heads = image.num_layers = 40;
  image.in_dim = 36;
  image.image_dim = 1280;
  for (const auto& [config, count] : {std::pair(text, 306U), std::pair(image, 488U)}) {
    std::set<std::string> modules, found;
    for (const std::string& key : linear_keys(config, modules)) {
      found.insert(module_of(key + ".alpha"));
      const std::string single = "lora_unet_" + key.substr(std::string("lora_unet__").size());
      EXPECT_EQ(module_of(single + ".alpha"), module_of(key + ".alpha"));
    }
    EXPECT_EQ(found, modules);
    EXPECT_EQ(found.size(), count);
    for (const std::string& module : modules) {
      EXPECT_EQ(module_of("transformer." + wan::diffusers_name(module) + ".lora_A.weight", true),
                module);
    }
  }
}

TEST(LoraFileTest, UnknownKeysAreListedTogether) {
  nn::TensorMap tensors = pair_for("blocks.0.ffn.0");
  tensors["blocks.0.ffn.0.dora_scale"] = matrix(4, 1);
  tensors["lora_unet_blocks_0_nowhere.alpha"] = at::ones({});
  EXPECT_ERROR(LoraFile::of(tensors, "", "my.safetensors"), ErrorCode::kWeights,
               "'my.safetensors' has 2 keys that are of no known style: "
               "'blocks.0.ffn.0.dora_scale', 'lora_unet_blocks_0_nowhere.alpha'");
}

TEST(LoraFileTest, HalvesTwinsAndNothingAreRefused) {
  EXPECT_ERROR(LoraFile::of({{"head.head.lora_A.weight", matrix(2, 6)}}, "", "f"),
               ErrorCode::kWeights, "1 modules without two matrices that fit: 'head.head'");
  EXPECT_ERROR(LoraFile::of({{"head.head.lora_A.weight", matrix(2, 6)},
                             {"head.head.lora_B.weight", matrix(4, 3)}},
                            "", "f"),
               ErrorCode::kWeights, "without two matrices that fit");
  nn::TensorMap twins = pair_for("blocks.0.ffn.0");
  twins.merge(pair_for("diffusion_model.blocks.0.ffn.0"));
  EXPECT_ERROR(LoraFile::of(twins, "", "f"), ErrorCode::kWeights, "mean the same as another one");
  EXPECT_ERROR(LoraFile::of({}, "", "f"), ErrorCode::kWeights, "holds no change of any module");
  EXPECT_ERROR(LoraFile::of(pair_for("head.head"), "[", "f"), ErrorCode::kFormat,
               "'f' is not the JSON");
  EXPECT_ERROR(LoraFile::of(pair_for("head.head"), R"({"lora_alpha": "x"})", "f"),
               ErrorCode::kFormat, "'f' is not the JSON");
}

TEST(LoraFileTest, ScalesComeFromTheModuleThenTheConfiguration) {
  nn::TensorMap tensors = pair_for("blocks.0.ffn.0");
  EXPECT_EQ(LoraFile::of(tensors, "", "f").modules.at("blocks.0.ffn.0").scale, 1);
  const char* const configuration =
      R"({"r": 2, "lora_alpha": 6, "alpha_pattern": {"ffn.0": 8}, "use_rslora": false})";
  EXPECT_EQ(LoraFile::of(tensors, configuration, "f").modules.at("blocks.0.ffn.0").scale, 4);
  EXPECT_EQ(LoraFile::of(tensors, R"({"lora_alpha": 6, "use_rslora": true})", "f")
                .modules.at("blocks.0.ffn.0")
                .scale,
            6 / std::sqrt(2.0));
  tensors["blocks.0.ffn.0.alpha"] = at::full({}, 12.0);
  EXPECT_EQ(LoraFile::of(tensors, configuration, "f").modules.at("blocks.0.ffn.0").scale, 6);
}

TEST(MergeLoraTest, WhatDoesNotFitIsListedAndNothingIsChanged) {
  nn::ParameterStore store(
      {{"blocks.0.ffn.0.weight", matrix(4, 6)}, {"head.head.weight", matrix(5, 6)}});
  const at::Tensor before = store.tensors().at("blocks.0.ffn.0.weight").clone();
  nn::TensorMap tensors = pair_for("blocks.0.ffn.0");
  tensors.merge(pair_for("head.head"));
  tensors.merge(pair_for("blocks.7.ffn.2"));
  const LoraFile file = LoraFile::of(tensors, "", "f");
  const char* const message =
      "which has no blocks.7.ffn.2.weight, head.head.weight of [5, 6] (in the file: [4, 6]) "
      "(2 in all)";
  EXPECT_ERROR(merge_lora(store, file), ErrorCode::kWeights, message);
  EXPECT_ERROR(attach_lora(store, file), ErrorCode::kWeights, message);
  EXPECT_TENSOR_NEAR(store.tensors().at("blocks.0.ffn.0.weight"), before, test::kExact);
}

TEST(MergeLoraTest, PartsOfAnImageModelArePassedOverByATextModel) {
  nn::ParameterStore store({{"blocks.0.ffn.0.weight", matrix(4, 6)}});
  nn::TensorMap tensors = pair_for("blocks.0.ffn.0");
  tensors.merge(pair_for("blocks.0.cross_attn.k_img"));
  tensors.merge(pair_for("img_emb.proj.1"));
  const at::Tensor wanted = matrix(4, 6).add(matrix(4, 2).matmul(matrix(2, 6)));
  merge_lora(store, LoraFile::of(tensors, "", "f"));
  EXPECT_TENSOR_NEAR(store.tensors().at("blocks.0.ffn.0.weight"), wanted, test::kFp32Reordered);
}

TEST(MergeLoraTest, EachModuleHasItsOwnRank) {
  nn::ParameterStore store(
      {{"blocks.0.ffn.0.weight", matrix(4, 6)}, {"head.head.weight", matrix(4, 6)}});
  nn::TensorMap tensors = pair_for("blocks.0.ffn.0");
  tensors["head.head.lora_down.weight"] = matrix(3, 6);
  tensors["head.head.lora_up.weight"] = matrix(4, 3);
  tensors["head.head.alpha"] = at::full({}, 6.0);
  merge_lora(store, LoraFile::of(tensors, "", "f"), 0.5);
  EXPECT_TENSOR_NEAR(store.tensors().at("head.head.weight"),
                     matrix(4, 6).add(matrix(4, 3).matmul(matrix(3, 6))), test::kFp32Reordered);
  EXPECT_TENSOR_NEAR(store.tensors().at("blocks.0.ffn.0.weight"),
                     matrix(4, 6).add(matrix(4, 2).matmul(matrix(2, 6)).mul(0.5)),
                     test::kFp32Reordered);
}

}  // namespace
}  // namespace mw::lora
