// SPDX-License-Identifier: Apache-2.0
// FrameVAEConfig as `config.json`.
#include <nlohmann/json.hpp>

#include "mw/core/error.h"
#include "mw/io/atomic_file.h"
#include "mw/io/json_file.h"
#include "mw/models/vae/frame_vae.h"

namespace mw::vae {

FrameVAEConfig FrameVAEConfig::read(const std::filesystem::path& config_json) {
  FrameVAEConfig config;
  io::read_json(config_json, "vae", [&](const nlohmann::json& json) {
    if (json.value("_class_name", "") != "FrameVAE") {
      throw Error(ErrorCode::kConfig, "vae: '" + config_json.string() + "' describes a " +
                                          json.value("_class_name", "nameless model") +
                                          ", wanted a FrameVAE");
    }
    config.latent_channels = json.at("latent_channels");
    config.widths = json.at("widths").get<std::vector<int64_t>>();
    config.encoder_blocks = json.at("encoder_blocks").get<std::vector<int64_t>>();
    config.decoder_blocks = json.at("decoder_blocks").get<std::vector<int64_t>>();
    config.has_depth_head = json.at("has_depth_head");
    config.latents_mean = json.at("latents_mean").get<std::vector<double>>();
    config.latents_std = json.at("latents_std").get<std::vector<double>>();
  });
  const auto is_channels = [&](const std::vector<double>& values) {
    return values.empty() || static_cast<int64_t>(values.size()) == config.latent_channels;
  };
  if (!is_channels(config.latents_mean) || !is_channels(config.latents_std)) {
    throw Error(ErrorCode::kConfig, "vae: '" + config_json.string() +
                                        "': latents_mean and latents_std must have one entry per "
                                        "latent channel");
  }
  return config;
}

void FrameVAEConfig::write(const std::filesystem::path& config_json) const {
  const nlohmann::json json = {{"_class_name", "FrameVAE"},
                               {"latent_channels", latent_channels},
                               {"temporal_stride", 1},
                               {"spatial_stride", kStride},
                               {"widths", widths},
                               {"encoder_blocks", encoder_blocks},
                               {"decoder_blocks", decoder_blocks},
                               {"has_depth_head", has_depth_head},
                               {"latents_mean", latents_mean},
                               {"latents_std", latents_std}};
  io::write_file(config_json, json.dump(2) + "\n");
}

}  // namespace mw::vae
