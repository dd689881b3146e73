// SPDX-License-Identifier: Apache-2.0
#include "mw/models/wan/key_map.h"

#include <gtest/gtest.h>

#include <set>

#include "mw/models/wan/transformer.h"

namespace mw::wan {
namespace {

WanConfig small_config() {
  WanConfig config;
  config.dim = 16;
  config.ffn_dim = 16;
  config.num_heads = 2;
  config.num_layers = 11;  // Two digits: prefixes must end at the dot.
  config.text_dim = 8;
  return config;
}

size_t expect_bijection(const WanConfig& config) {
  nn::ParameterStore store = nn::ParameterStore::created(1);
  const Transformer model(config, nn::WeightScope(store));
  std::set<std::string> there;
  for (const auto& [name, tensor] : store.tensors()) {
    EXPECT_EQ(original_name(diffusers_name(name)), name);
    EXPECT_TRUE(there.insert(diffusers_name(name)).second) << name;
  }
  return store.tensors().size();
}

TEST(KeyMapTest, EveryNameOfATextModelMapsToOneOther) {
  EXPECT_EQ(expect_bijection(small_config()), 27U * 11 + 15);  // As in the published checkpoints.
}

TEST(KeyMapTest, EveryNameOfAnImageModelMapsToOneOther) {
  WanConfig config = small_config();
  config.image_dim = 8;
  EXPECT_EQ(expect_bijection(config), 32U * 11 + 23);
}

TEST(KeyMapTest, EveryNameOfAnActionModelMapsToOneOther) {
  WanConfig config = small_config();
  config.action_dim = 8;
  EXPECT_EQ(expect_bijection(config), (27U + 2) * 11 + 15 + 16);
}

TEST(KeyMapTest, PublishedPairs) {
  const std::pair<const char*, const char*> pairs[] = {
      {"blocks.10.norm3.weight", "blocks.10.norm2.weight"},
      {"blocks.1.modulation", "blocks.1.scale_shift_table"},
      {"blocks.0.cross_attn.k_img.bias", "blocks.0.attn2.add_k_proj.bias"},
      {"blocks.0.cross_attn.k.bias", "blocks.0.attn2.to_k.bias"},
      {"blocks.0.cross_attn.norm_k_img.weight", "blocks.0.attn2.norm_added_k.weight"},
      {"head.modulation", "scale_shift_table"},
      {"head.head.weight", "proj_out.weight"},
      {"time_projection.1.bias", "condition_embedder.time_proj.bias"},
      {"img_emb.proj.3.weight", "condition_embedder.image_embedder.ff.net.2.weight"},
      {"patch_embedding.weight", "patch_embedding.weight"},
  };
  for (const auto& [original, diffusers] : pairs) {
    EXPECT_EQ(diffusers_name(original), diffusers);
    EXPECT_EQ(original_name(diffusers), original);
  }
}

}  // namespace
}  // namespace mw::wan
