// SPDX-License-Identifier: Apache-2.0
#include "mw/models/vae/wan_vae_config.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "mw/core/error.h"
#include "mw/io/atomic_file.h"
#include "mw/io/json_file.h"

namespace mw::vae {

int64_t WanVAEConfig::temporal_stride() const {
  return int64_t{1} << std::count(temporal_downsample.begin(), temporal_downsample.end(), true);
}

WanVAEConfig WanVAEConfig::read(const std::filesystem::path& config_json) {
  WanVAEConfig config;
  io::read_json(config_json, "vae", [&](const nlohmann::json& json) {
    const std::string name = json.value("_class_name", "nameless model");
    if (name != "AutoencoderKLWan") {
      throw Error(ErrorCode::kConfig, "vae: '" + config_json.string() + "' describes a " + name +
                                          ", wanted an AutoencoderKLWan");
    }
    if (json.value("is_residual", false) || !json.value("patch_size", nlohmann::json()).is_null()) {
      throw Error(ErrorCode::kConfig,
                  "vae: '" + config_json.string() +
                      "' describes the residual, patched autoencoder of Wan2.2, wanted that of "
                      "Wan2.1 (is_residual false, patch_size null)");
    }
    if (!json.value("attn_scales", nlohmann::json::array()).empty()) {
      throw Error(ErrorCode::kConfig, "vae: '" + config_json.string() +
                                          "': attn_scales must be empty, attention is in the "
                                          "middle of the network alone");
    }
    config.base_dim = json.value("base_dim", config.base_dim);
    config.z_dim = json.value("z_dim", config.z_dim);
    config.dim_mult = json.value("dim_mult", config.dim_mult);
    config.num_res_blocks = json.value("num_res_blocks", config.num_res_blocks);
    // The name in released files is spelled like this.
    config.temporal_downsample = json.value("temperal_downsample", config.temporal_downsample);
    config.latents_mean = json.value("latents_mean", config.latents_mean);
    config.latents_std = json.value("latents_std", config.latents_std);
  });
  config.check(config_json.string());
  return config;
}

void WanVAEConfig::write(const std::filesystem::path& config_json) const {
  const nlohmann::json json = {{"_class_name", "AutoencoderKLWan"},
                               {"attn_scales", nlohmann::json::array()},
                               {"base_dim", base_dim},
                               {"dim_mult", dim_mult},
                               {"dropout", 0.0},
                               {"latents_mean", latents_mean},
                               {"latents_std", latents_std},
                               {"num_res_blocks", num_res_blocks},
                               {"temperal_downsample", temporal_downsample},
                               {"z_dim", z_dim}};
  io::write_file(config_json, json.dump(2) + "\n");
}

void WanVAEConfig::check(const std::string& source) const {
  const auto demand = [&](bool holds, const std::string& wanted) {
    if (!holds) throw Error(ErrorCode::kConfig, "vae: '" + source + "': " + wanted);
  };
  demand(base_dim > 0 && z_dim > 0 && num_res_blocks > 0,
         "base_dim, z_dim and num_res_blocks must be positive");
  demand(!dim_mult.empty() && std::all_of(dim_mult.begin(), dim_mult.end(),
                                          [](int64_t multiple) { return multiple > 0; }),
         "dim_mult must be positive numbers, one per level");
  demand(temporal_downsample.size() + 1 == dim_mult.size(),
         "temperal_downsample must have one entry per level but the last");
  const auto channels = static_cast<size_t>(z_dim);
  demand(latents_mean.size() == channels && latents_std.size() == channels,
         "latents_mean and latents_std must have z_dim entries");
  demand(std::all_of(latents_std.begin(), latents_std.end(),
                     [](double deviation) { return deviation > 0; }),
         "latents_std must be positive");
}

}  // namespace mw::vae
