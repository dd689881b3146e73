// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/model_folder.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "mw/core/error.h"
#include "mw/core/user_path.h"
#include "mw/engine/model_layout.h"
#include "mw/io/atomic_file.h"
#include "mw/io/json_file.h"

namespace mw::engine {
namespace {

namespace fs = std::filesystem;

fs::path program_folder() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  return error ? fs::current_path() : program.parent_path();
}

bool is_weights_file(const fs::path& path) {
  const fs::path ending = path.extension();
  std::error_code ignored;
  return (ending == ".gguf" || ending == ".safetensors") && fs::is_regular_file(path, ignored);
}

}  // namespace

fs::path find_model(const std::string& path_or_name) {
  const fs::path given = user_path(path_or_name);
  std::vector<fs::path> places = {given};
  if (given.is_relative() && path_or_name.find("..") == std::string::npos) {
    places.push_back(program_folder() / ".." / "models" / given);
    places.push_back(program_folder() / ".." / "share" / "microworld" / "models" / given);
    places.push_back(cache_folder() / "models" / given);
  }
  std::string looked;
  for (const fs::path& place : places) {
    if (is_weights_file(place) || layout_kind(place)) return fs::weakly_canonical(place);
    looked += (looked.empty() ? "'" : ", '") + place.lexically_normal().string() + "'";
  }
  throw Error(ErrorCode::kIo, "model '" + path_or_name + "': no model there; looked in " + looked);
}

SamplingConfig SamplingConfig::read(const fs::path& file) {
  SamplingConfig config;
  io::read_json(file, "scheduler", [&](const nlohmann::json& json) {
    config.sampler = json.value("sampler", config.sampler);
    config.steps = json.value("steps", config.steps);
    config.first_frame_steps = json.value("first_frame_steps", config.first_frame_steps);
    config.shift = json.value("shift", config.shift);
    config.context_sigma = json.value("context_sigma", config.context_sigma);
  });
  config.check("scheduler: '" + file.string() + "'");
  return config;
}

void SamplingConfig::check(const std::string& source) const {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::kConfig, source + ": " + what);
  };
  if (sampler != "euler" && sampler != "consistency") {
    fail("sampler must be euler or consistency, got " + quote_text(sampler));
  }
  if (steps < 1 || first_frame_steps < 1 || steps > 1000 || first_frame_steps > 1000) {
    fail("steps must be 1 to 1000");
  }
  if (!(shift > 0 && shift <= 100)) fail("shift must be over 0 and up to 100");
  if (!(context_sigma >= 0 && context_sigma < 1)) fail("context_sigma must be 0 or more, below 1");
}

void SamplingConfig::write(const fs::path& file) const {
  const nlohmann::json json = {{"_class_name", "StreamSampler"},
                               {"sampler", sampler},
                               {"steps", steps},
                               {"first_frame_steps", first_frame_steps},
                               {"shift", shift},
                               {"context_sigma", context_sigma}};
  io::write_file(file, json.dump(2) + "\n");
}

}  // namespace mw::engine
