// SPDX-License-Identifier: Apache-2.0
// CameraPriorConfig as `config.json`.
#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "mw/core/error.h"
#include "mw/io/atomic_file.h"
#include "mw/io/json_file.h"
#include "mw/models/prior/camera_prior.h"

namespace mw::prior {
namespace {

constexpr std::array<std::pair<Mode, const char*>, 3> kModeNames = {
    {{Mode::kOff, "off"}, {Mode::kRotation, "rotation"}, {Mode::kReprojection, "reprojection"}}};

/// Calls `field(name, value)` for every number of the config, to read and to write.
template <class Field>
void visit(CameraPriorConfig& config, const Field& field) {
  field("focal", config.focal);
  field("eye_height", config.eye_height);
  field("fps", config.motion.fps);
  field("walk_speed", config.motion.walk_speed);
  field("sprint_speed", config.motion.sprint_speed);
  field("sneak_speed", config.motion.sneak_speed);
  field("acceleration", config.motion.acceleration);
  field("air_acceleration", config.motion.air_acceleration);
  field("jump_speed", config.motion.jump_speed);
  field("gravity", config.motion.gravity);
  field("still_variance", config.still_variance);
  field("look_variance", config.look_variance);
  field("parallax_edges", config.parallax_edges);
  field("walk_variances", config.walk_variances);
  field("unseen_variance", config.unseen_variance);
  field("key_turn", config.key_turn);
  field("key_distance", config.key_distance);
}

}  // namespace

CameraPriorConfig CameraPriorConfig::read(const std::filesystem::path& config_json) {
  CameraPriorConfig config;
  io::read_json(config_json, "camera prior", [&](const nlohmann::json& json) {
    const std::string wanted = json.at("mode");
    bool is_known = false;
    for (const auto& [mode, name] : kModeNames) {
      if (wanted != name) continue;
      config.mode = mode;
      is_known = true;
    }
    if (!is_known) {
      throw Error(ErrorCode::kConfig, "camera prior: '" + config_json.string() +
                                          "': mode must be off, rotation or reprojection, got " +
                                          quote_text(wanted));
    }
    visit(config, [&](const char* name, auto& value) { json.at(name).get_to(value); });
  });
  return config;
}

void CameraPriorConfig::write(const std::filesystem::path& config_json) const {
  nlohmann::ordered_json json = {{"_class_name", "CameraPrior"}};
  for (const auto& [known, name] : kModeNames) {
    if (mode == known) json["mode"] = name;
  }
  CameraPriorConfig copy = *this;
  visit(copy, [&](const char* name, const auto& value) { json[name] = value; });
  io::write_file(config_json, json.dump(2) + "\n");
}

}  // namespace mw::prior
