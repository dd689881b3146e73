// SPDX-License-Identifier: Apache-2.0
#include "mw/models/vae/wan_vae_config.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "mw/core/error.h"
#include "mw/io/atomic_file.h"
#include "mw/io/json_file.h"

namespace mw::vae {
namespace {

/// Whether every parameter-free shortcut has whole groups of channels to average or to repeat.
bool residual_levels_fit(const WanVAEConfig& config) {
  const std::vector<int64_t>& mult = config.dim_mult;
  int64_t down = config.base_dim;
  for (size_t i = 0; i < mult.size(); ++i) {
    const bool resizes = i + 1 < mult.size();
    const int64_t block = resizes ? (config.temporal_downsample[i] ? 8 : 4) : 1;
    const int64_t next = config.base_dim * mult[i];
    if (down * block % next != 0) return false;
    down = next;
  }
  int64_t up = config.decoder_width() * mult.back();
  for (size_t i = 0; i + 1 < mult.size(); ++i) {
    const size_t level = mult.size() - 1 - i;
    const int64_t next = config.decoder_width() * mult[level];
    if (next * (config.temporal_downsample[level - 1] ? 8 : 4) % up != 0) return false;
    up = next;
  }
  return true;
}

}  // namespace

int64_t WanVAEConfig::temporal_stride() const {
  return int64_t{1} << std::count(temporal_downsample.begin(), temporal_downsample.end(), true);
}

WanVAEConfig WanVAEConfig::wan22() {
  WanVAEConfig config;
  config.base_dim = 160;
  config.decoder_base_dim = 256;
  config.z_dim = 48;
  config.is_residual = true;
  config.patch_size = 2;
  config.latents_mean = {-0.2289, -0.0052, -0.1323, -0.2339, -0.2799, 0.0174,  0.1838,  0.1557,
                         -0.1382, 0.0542,  0.2813,  0.0891,  0.1570,  -0.0098, 0.0375,  -0.1825,
                         -0.2246, -0.1207, -0.0698, 0.5109,  0.2665,  -0.2108, -0.2158, 0.2502,
                         -0.2055, -0.0322, 0.1109,  0.1567,  -0.0729, 0.0899,  -0.2799, -0.1230,
                         -0.0313, -0.1649, 0.0117,  0.0723,  -0.2839, -0.2083, -0.0520, 0.3748,
                         0.0152,  0.1957,  0.1433,  -0.2944, 0.3573,  -0.0548, -0.1681, -0.0667};
  config.latents_std = {0.4765, 1.0364, 0.4514, 1.1677, 0.5313, 0.4990, 0.4818, 0.5013,
                        0.8158, 1.0344, 0.5894, 1.0901, 0.6885, 0.6165, 0.8454, 0.4978,
                        0.5759, 0.3523, 0.7135, 0.6804, 0.5833, 1.4146, 0.8986, 0.5659,
                        0.7069, 0.5338, 0.4889, 0.4917, 0.4069, 0.4999, 0.6866, 0.4093,
                        0.5709, 0.6065, 0.6415, 0.4944, 0.5726, 1.2042, 0.5458, 1.6887,
                        0.3971, 1.0600, 0.3943, 0.5537, 0.5444, 0.4089, 0.7468, 0.7744};
  return config;
}

WanVAEConfig WanVAEConfig::read(const std::filesystem::path& config_json) {
  WanVAEConfig config;
  io::read_json(config_json, "vae", [&](const nlohmann::json& json) {
    const std::string name = json.value("_class_name", "nameless model");
    if (name != "AutoencoderKLWan") {
      throw Error(ErrorCode::kConfig, "vae: '" + config_json.string() + "' describes a " + name +
                                          ", wanted an AutoencoderKLWan");
    }
    if (!json.value("attn_scales", nlohmann::json::array()).empty()) {
      throw Error(ErrorCode::kConfig, "vae: '" + config_json.string() +
                                          "': attn_scales must be empty, attention is in the "
                                          "middle of the network alone");
    }
    const auto size = [&](const char* field, int64_t& value) {  // Null means the default.
      if (json.contains(field) && !json[field].is_null()) value = json[field].get<int64_t>();
    };
    config.is_residual = json.value("is_residual", false);
    size("decoder_base_dim", config.decoder_base_dim);
    size("patch_size", config.patch_size);
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
  const auto or_null = [](int64_t value, int64_t none) {
    return value == none ? nlohmann::json(nullptr) : nlohmann::json(value);
  };
  const nlohmann::json json = {{"_class_name", "AutoencoderKLWan"},
                               {"attn_scales", nlohmann::json::array()},
                               {"base_dim", base_dim},
                               {"decoder_base_dim", or_null(decoder_base_dim, 0)},
                               {"dim_mult", dim_mult},
                               {"dropout", 0.0},
                               {"in_channels", pixel_channels()},
                               {"is_residual", is_residual},
                               {"latents_mean", latents_mean},
                               {"latents_std", latents_std},
                               {"num_res_blocks", num_res_blocks},
                               {"out_channels", pixel_channels()},
                               {"patch_size", or_null(patch_size, 1)},
                               {"scale_factor_spatial", spatial_stride()},
                               {"scale_factor_temporal", temporal_stride()},
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
  demand(decoder_base_dim >= 0 && patch_size >= 1 && patch_size <= 16,
         "decoder_base_dim and patch_size are out of range");
  demand(!dim_mult.empty() && std::all_of(dim_mult.begin(), dim_mult.end(),
                                          [](int64_t multiple) { return multiple > 0; }),
         "dim_mult must be positive numbers, one per level");
  demand(temporal_downsample.size() + 1 == dim_mult.size() && dim_mult.size() <= 8,
         "temperal_downsample must have one entry per level but the last, of at most 8");
  if (is_residual) {
    demand(residual_levels_fit(*this),
           "widths of successive levels must divide what a residual level resizes");
  }
  const auto channels = static_cast<size_t>(z_dim);
  demand(latents_mean.size() == channels && latents_std.size() == channels,
         "latents_mean and latents_std must have z_dim entries");
  demand(std::all_of(latents_std.begin(), latents_std.end(),
                     [](double deviation) { return deviation > 0; }),
         "latents_std must be positive");
}

}  // namespace mw::vae
