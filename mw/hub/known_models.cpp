// SPDX-License-Identifier: Apache-2.0
#include "mw/hub/known_models.h"

#include <array>

namespace mw::hub {
namespace {

constexpr std::array<KnownModel, 5> kModels = {{
    {"wan2.1-t2v-1.3b", "Wan-AI/Wan2.1-T2V-1.3B", "t2v", nullptr},
    {"wan2.1-i2v-14b-480p", "Wan-AI/Wan2.1-I2V-14B-480P", "i2v", nullptr},
    {"wan2.2-ti2v-5b", "Wan-AI/Wan2.2-TI2V-5B", "t2v", nullptr},
    {"micro-world-t2w", "amd/Micro-World-T2W", "t2w", "wan2.1-t2v-1.3b"},
    {"micro-world-i2w", "amd/Micro-World-I2W", "i2w", "wan2.1-i2v-14b-480p"},
}};

}  // namespace

std::span<const KnownModel> known_models() { return kModels; }

const KnownModel* find_known_model(std::string_view name_or_repository) {
  for (const KnownModel& model : kModels) {
    if (name_or_repository == model.name || name_or_repository == model.repository) return &model;
  }
  return nullptr;
}

std::string next_command(const KnownModel* model, const std::string& name) {
  if (model == nullptr) return "mw inspect " + name;
  const std::string task = model->task;
  std::string command = "mw generate --task " + task + " --model " + name +
                        " --prompt \"a path along a cliff above the sea\"";
  if (task.starts_with("i2")) command += " --image start.png";
  if (task.ends_with("w")) command += " --actions \"w*41, right(2)*40\"";
  return command + " --out world.mp4";
}

}  // namespace mw::hub
