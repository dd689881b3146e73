// SPDX-License-Identifier: Apache-2.0
// Every released model by its parts: names, shapes and numbers of parameters, without any weights,
// against the published figures; both namings of each are a bijection.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "mw/models/clip/vision_encoder.h"
#include "mw/models/text/umt5_encoder.h"
#include "mw/models/vae/wan_vae.h"
#include "mw/models/vae/wan_vae_key_map.h"
#include "mw/models/wan/key_map.h"
#include "mw/models/wan/transformer.h"
#include "mw/nn/parameter_store.h"

namespace mw {
namespace {

struct Released {
  const char* name;
  wan::WanConfig config;
  int64_t num_parameters;
  size_t num_tensors;
};

wan::WanConfig sizes(int64_t dim, int64_t ffn_dim, int64_t num_heads, int64_t num_layers) {
  wan::WanConfig config;
  config.dim = dim;
  config.ffn_dim = ffn_dim;
  config.num_heads = num_heads;
  config.num_layers = num_layers;
  return config;
}

std::vector<Released> transformers() {
  const wan::WanConfig small = sizes(1536, 8960, 12, 30), large = sizes(5120, 13824, 40, 40);
  wan::WanConfig image = large;
  image.in_dim = 36;
  image.image_dim = 1280;
  wan::WanConfig two_images = image;
  two_images.image_positions = 514;
  wan::WanConfig ti2v = sizes(3072, 14336, 24, 30);
  ti2v.in_dim = ti2v.out_dim = 48;
  wan::WanConfig t2w = small;
  t2w.action_dim = 1536;
  for (int64_t i = 0; i < t2w.num_layers; i += 2) t2w.action_layers.push_back(i);
  wan::WanConfig i2w = image;
  i2w.action_dim = 1536;
  return {{"T2V-1.3B", small, 1418996800, 30 * 27 + 15},
          {"T2V-14B", large, 14288491584, 40 * 27 + 15},
          {"I2V-14B", image, 16394878784, 40 * 32 + 23},
          {"FLF2V-14B", two_images, 16395536704, 40 * 32 + 24},
          {"TI2V-5B", ti2v, 4999787712, 30 * 27 + 15},
          {"T2W", t2w, 2157537920, 30 * 27 + 15 + 15 * 29 + 2 + 16},
          {"I2W", i2w, 18287701632, 40 * 34 + 23 + 16}};
}

/// What the names of `store` become by `there` are as many, and `back` undoes it.
template <class There, class Back>
void expect_bijection(const nn::ParameterStore& store, const There& there, const Back& back) {
  std::set<std::string> names;
  for (const auto& [name, tensor] : store.tensors()) {
    EXPECT_EQ(back(there(name)), name);
    EXPECT_TRUE(names.insert(there(name)).second) << name;
  }
}

TEST(ReleasedModelsTest, TransformersHaveThePublishedSizes) {
  for (const Released& released : transformers()) {
    SCOPED_TRACE(released.name);
    nn::ParameterStore store = nn::ParameterStore::without_values();
    const wan::Transformer model(released.config, nn::WeightScope(store));
    EXPECT_EQ(store.num_parameters(), released.num_parameters);
    EXPECT_EQ(store.tensors().size(), released.num_tensors);
    expect_bijection(store, &wan::diffusers_name, &wan::original_name);
  }
}

TEST(ReleasedModelsTest, TheActionModuleHasThePublishedSize) {
  nn::ParameterStore store = nn::ParameterStore::without_values();
  wan::WanConfig config;
  config.action_dim = 1536;
  const wan::Transformer model(config, nn::WeightScope(store));
  int64_t count = 0;
  for (const auto& [name, tensor] : store.tensors()) {
    if (name.starts_with("action_preprocess.")) count += tensor.numel();
  }
  EXPECT_EQ(count, 4157248);
}

TEST(ReleasedModelsTest, AutoencodersHaveThePublishedSizes) {
  struct Row {
    vae::WanVAEConfig config;
    int64_t num_parameters;
    size_t num_tensors;
  };
  for (const Row& row : {Row{vae::WanVAEConfig(), 126892531, 194},
                         Row{vae::WanVAEConfig::wan22(), 704688668, 196}}) {
    nn::ParameterStore store = nn::ParameterStore::without_values();
    const vae::WanVAE model(row.config, nn::WeightScope(store));
    EXPECT_EQ(store.num_parameters(), row.num_parameters);
    EXPECT_EQ(store.tensors().size(), row.num_tensors);
    expect_bijection(
        store, [&](const std::string& name) { return vae::diffusers_name(name, row.config); },
        [&](const std::string& name) { return vae::original_name(name, row.config); });
  }
}

TEST(ReleasedModelsTest, TheTextEncoderHasThePublishedSize) {
  nn::ParameterStore store = nn::ParameterStore::without_values();
  const text::UMT5Encoder model(text::UMT5Config{}, nn::WeightScope(store));
  EXPECT_EQ(store.num_parameters(), 5680910336);
  EXPECT_EQ(store.tensors().size(), 242u);
  expect_bijection(store, &text::umt5_hugging_face_name, &text::umt5_original_name);
}

TEST(ReleasedModelsTest, TheImageEncoderIsThePublishedOneWithoutWhatIsNeverRun) {
  nn::ParameterStore store = nn::ParameterStore::without_values();
  const clip::VisionEncoder model(clip::VisionConfig{}, nn::WeightScope(store));
  // Of 632,076,800: the last layer, the final norm and the projection to text's space.
  constexpr int64_t kLayer = 19677440, kNorm = 2 * 1280, kProjection = 1280 * 1024;
  EXPECT_EQ(store.num_parameters(), 632076800 - kLayer - kNorm - kProjection);
  EXPECT_EQ(store.tensors().size(), 31 * 12u + 5);
}

}  // namespace
}  // namespace mw
