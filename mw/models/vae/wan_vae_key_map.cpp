// SPDX-License-Identifier: Apache-2.0
#include "mw/models/vae/wan_vae_key_map.h"

#include <string_view>
#include <vector>

#include "mw/core/error.h"
#include "mw/models/vae/wan_vae.h"

namespace mw::vae {
namespace {

struct Pair {
  std::string original;
  std::string diffusers;
};

using Table = std::vector<Pair>;

/// The parameters of residual blocks; those of the other layers have one name in both.
void add_block(Table& table, const std::string& original, const std::string& diffusers) {
  table.push_back({original + ".residual.0", diffusers + ".norm1"});
  table.push_back({original + ".residual.2", diffusers + ".conv1"});
  table.push_back({original + ".residual.3", diffusers + ".norm2"});
  table.push_back({original + ".residual.6", diffusers + ".conv2"});
  table.push_back({original + ".shortcut", diffusers + ".conv_shortcut"});
}

/// The levels of a residual network: both namings group them.
void add_residual_levels(Table& table, const WanVAEConfig& config) {
  const auto num_levels = static_cast<int64_t>(config.dim_mult.size());
  for (int64_t level = 0; level < num_levels; ++level) {
    const std::string g = std::to_string(level);
    const std::string down = "encoder.downsamples." + g + ".downsamples.";
    const std::string up = "decoder.upsamples." + g + ".upsamples.";
    for (int64_t k = 0; k <= config.num_res_blocks; ++k) {
      const std::string j = std::to_string(k);
      if (k < config.num_res_blocks) {
        add_block(table, down + j, "encoder.down_blocks." + g + ".resnets." + j);
      }
      add_block(table, up + j, "decoder.up_blocks." + g + ".resnets." + j);
    }
    if (level + 1 == num_levels) continue;
    table.push_back({down + std::to_string(config.num_res_blocks),
                     "encoder.down_blocks." + g + ".downsampler"});
    table.push_back(
        {up + std::to_string(config.num_res_blocks + 1), "decoder.up_blocks." + g + ".upsampler"});
  }
}

/// Modules whose names differ: an entry stands for everything after its dot.
Table key_map(const WanVAEConfig& config) {
  Table table = {{"conv1", "quant_conv"}, {"conv2", "post_quant_conv"}};
  for (const std::string network : {"encoder", "decoder"}) {
    table.push_back({network + ".conv1", network + ".conv_in"});
    add_block(table, network + ".middle.0", network + ".mid_block.resnets.0");
    table.push_back({network + ".middle.1", network + ".mid_block.attentions.0"});
    add_block(table, network + ".middle.2", network + ".mid_block.resnets.1");
    table.push_back({network + ".head.0", network + ".norm_out"});
    table.push_back({network + ".head.2", network + ".conv_out"});
  }
  if (config.is_residual) {
    add_residual_levels(table, config);
    return table;
  }
  const auto num_levels = static_cast<int64_t>(config.dim_mult.size());
  int64_t down = 0, up = 0;
  for (int64_t level = 0; level < num_levels; ++level) {
    const bool resamples = level + 1 < num_levels;
    for (int64_t k = 0; k < config.num_res_blocks; ++k, ++down) {
      const std::string index = std::to_string(down);
      add_block(table, "encoder.downsamples." + index, "encoder.down_blocks." + index);
    }
    if (resamples) {
      const std::string index = std::to_string(down++);
      table.push_back({"encoder.downsamples." + index, "encoder.down_blocks." + index});
    }
    const std::string group = "decoder.up_blocks." + std::to_string(level);
    for (int64_t k = 0; k <= config.num_res_blocks; ++k, ++up) {
      add_block(table, "decoder.upsamples." + std::to_string(up),
                group + ".resnets." + std::to_string(k));
    }
    if (resamples) {
      table.push_back({"decoder.upsamples." + std::to_string(up++), group + ".upsamplers.0"});
    }
  }
  return table;
}

std::string renamed(std::string_view name, const Table& table, std::string Pair::*from,
                    std::string Pair::*to) {
  for (const Pair& pair : table) {
    const std::string& known = pair.*from;
    if (name.starts_with(known) && name.size() > known.size() && name[known.size()] == '.') {
      return pair.*to + std::string(name.substr(known.size()));
    }
  }
  return std::string(name);
}

// Some repackaged checkpoints put the whole model under it.
constexpr std::string_view kPrefix = "model.";

}  // namespace

std::string original_name(const std::string& diffusers_name, const WanVAEConfig& config) {
  return renamed(diffusers_name, key_map(config), &Pair::diffusers, &Pair::original);
}

std::string diffusers_name(const std::string& original_name, const WanVAEConfig& config) {
  return renamed(original_name, key_map(config), &Pair::original, &Pair::diffusers);
}

WanVAEConfig wan_vae_config_of(const nn::TensorMap& tensors, const std::string& source) {
  const auto width = [&](const char* original, const char* diffusers) {
    for (const std::string prefix : {"", "model."}) {
      for (const char* name : {original, diffusers}) {
        const auto found = tensors.find(prefix + name);
        if (found != tensors.end() && found->second.dim() == 5) return found->second.size(0);
      }
    }
    throw Error(ErrorCode::kWeights, "vae: '" + source + "' has no convolution '" + original + "'");
  };
  const int64_t z_dim = width("conv2.weight", "post_quant_conv.weight");
  WanVAEConfig config = z_dim == 48 ? WanVAEConfig::wan22() : WanVAEConfig();
  if (z_dim != config.z_dim) {
    throw Error(ErrorCode::kConfig,
                concat_message("vae: '", source, "' has ", z_dim,
                               " latent channels, and without a config.json only the 16 of Wan2.1 "
                               "and the 48 of Wan2.2 are known"));
  }
  config.base_dim = width("encoder.conv1.weight", "encoder.conv_in.weight");
  const int64_t widest = width("decoder.conv1.weight", "decoder.conv_in.weight");
  config.decoder_base_dim = widest / config.dim_mult.back();
  config.check(source);
  return config;
}

nn::ParameterStore load_wan_vae_weights(const std::filesystem::path& path,
                                        const WanVAEConfig& config, at::ScalarType dtype) {
  nn::ParameterStore store = nn::ParameterStore::loaded(path, dtype);
  const bool is_diffusers = store.has("encoder.conv_in.weight");
  const Table table = is_diffusers ? key_map(config) : Table();
  store.rename([&](const std::string& name) {
    const std::string bare = name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
    return renamed(bare, table, &Pair::diffusers, &Pair::original);
  });
  return store;
}

}  // namespace mw::vae
