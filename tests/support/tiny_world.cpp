// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tiny_world.h"

#include <ATen/core/Tensor.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "mw/engine/model_folder.h"
#include "mw/io/atomic_file.h"
#include "mw/models/prior/camera_prior.h"
#include "mw/models/text/tokenizer.h"
#include "mw/models/text/umt5_encoder.h"
#include "mw/models/vae/frame_vae.h"
#include "mw/models/wan/transformer.h"
#include "tests/support/tensors.h"

namespace mw::test {
namespace {

/// Layers start at zero here and there; random values everywhere leave nothing untested.
void randomise(nn::ParameterStore& store, uint64_t seed) {
  for (const auto& [name, tensor] : store.tensors()) {
    const double scale =
        tensor.dim() == 1 ? 0.05 : 0.5 / std::sqrt(static_cast<double>(tensor[0].numel()));
    tensor.copy_(random_tensor(tensor.sizes(), ++seed).mul(scale));
  }
}

}  // namespace

void write_tiny_world(const std::filesystem::path& folder, uint64_t seed) {
  for (const char* part : {"transformer", "vae", "camera_prior", "scheduler"}) {
    std::filesystem::create_directories(folder / part);
  }
  wan::WanConfig config;
  config.dim = 32;
  config.ffn_dim = 64;
  config.num_heads = 2;
  config.num_layers = 2;
  config.in_dim = 36;
  config.text_dim = 8;
  config.text_len = 4;
  config.action_dim = 16;
  config.action_temporal_ratio = 1;
  config.action_relative_positions = true;
  config.is_causal = true;
  config.window_frames = 3;
  nn::ParameterStore weights = nn::ParameterStore::created(seed);
  const wan::Transformer transformer(config, nn::WeightScope(weights));
  randomise(weights, seed + 1000);
  config.write(folder / "transformer" / "config.json");
  weights.save(folder / "transformer" / "diffusion_pytorch_model.safetensors");

  vae::FrameVAEConfig vae_config;
  vae_config.widths = {8, 8, 16};
  vae_config.encoder_blocks = vae_config.decoder_blocks = {1, 1, 1};
  nn::ParameterStore vae_weights = nn::ParameterStore::created(seed);
  const vae::FrameVAE vae(vae_config, nn::WeightScope(vae_weights));
  randomise(vae_weights, seed + 2000);
  vae_config.write(folder / "vae" / "config.json");
  vae_weights.save(folder / "vae" / "diffusion_pytorch_model.safetensors");

  prior::CameraPriorConfig prior;
  prior.focal = 22;
  prior.write(folder / "camera_prior" / "config.json");
  engine::SamplingConfig{}.write(folder / "scheduler" / "scheduler_config.json");
  const nlohmann::ordered_json index = {
      {"_class_name", "EmbeddedWorld"}, {"width", 48}, {"height", 32}, {"fps", 16}};
  io::write_file(folder / "model_index.json", index.dump(2) + "\n");
}

void write_tiny_text_encoder(const std::filesystem::path& folder, uint64_t seed) {
  std::filesystem::create_directories(folder / "tokenizer");
  std::filesystem::create_directories(folder / "text_encoder");
  const std::filesystem::path model = folder / "tokenizer" / "spiece.model";
  text::train_tokenizer({"a desert", "a meadow at dawn", "a forest by day"}, 40, model);
  const text::UMT5Config config{.vocab_size = text::Tokenizer(model).vocab_size(),
                                .d_model = 8,
                                .d_kv = 4,
                                .d_ff = 16,
                                .num_layers = 1,
                                .num_heads = 2};
  nn::ParameterStore weights = nn::ParameterStore::created(seed);
  const text::UMT5Encoder encoder(config, nn::WeightScope(weights));
  config.write(folder / "text_encoder" / "config.json");
  weights.save(folder / "text_encoder" / "model.safetensors");
}

}  // namespace mw::test
