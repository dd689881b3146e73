// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/model_layout.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "mw/core/error.h"
#include "mw/core/user_path.h"
#include "mw/engine/model_families.h"
#include "mw/engine/model_folder.h"
#include "mw/io/json_file.h"

namespace mw::engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfig = "config.json";
constexpr const char* kIndex = "model_index.json";
constexpr const char* kLora = "lora_diffusion_pytorch_model.safetensors";
// A combined repository has one folder for each of its models.
constexpr std::array<const char*, 2> kCombined = {"T2W", "I2W"};

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

fs::path if_file(const fs::path& path) { return is_file(path) ? path : fs::path(); }
fs::path if_folder(const fs::path& path) { return is_folder(path) ? path : fs::path(); }

/// The only file in `folder` whose name begins and ends so, or an empty path; the first by name
/// where there are several.
fs::path file_like(const fs::path& folder, std::string_view start, std::string_view end) {
  fs::path found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), last; !error && it != last; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name[0] == '.' || !name.starts_with(start) || !name.ends_with(end)) continue;
    if (is_file(it->path()) && (found.empty() || it->path() < found)) found = it->path();
  }
  return found;
}

bool has_transformer_weights(const fs::path& folder) {
  return !file_like(folder, "diffusion_pytorch_model", ".safetensors").empty() ||
         !file_like(folder, "", ".safetensors.index.json").empty();
}

/// A transformer at the top of the folder, as Wan's releases have it: not an autoencoder or another
/// network of diffusers, whose folders look alike but for what `config.json` says.
bool is_original(const fs::path& folder) {
  if (!is_file(folder / kConfig)) return !file_like(folder, "", ".gguf").empty();
  if (!has_transformer_weights(folder) && file_like(folder, "", ".gguf").empty()) return false;
  bool is_transformer = false;
  io::read_json(folder / kConfig, "transformer", [&](const nlohmann::json& json) {
    is_transformer = json.is_object() && json.contains("dim") && json.contains("num_heads");
  });
  return is_transformer;
}

fs::path spiece_in(const fs::path& folder) { return if_file(folder / "spiece.model"); }

/// A file of Wan's releases; `mw convert` writes the same as safetensors.
fs::path release_file(const fs::path& root, const char* start, const std::string& end) {
  const fs::path found = file_like(root, start, end + ".pth");
  return found.empty() ? file_like(root, start, end + ".safetensors") : found;
}

/// Either form in either layout: `mw convert` copies the image encoder as it is.
fs::path image_encoder_in(const fs::path& root) {
  const fs::path folder = if_folder(root / "image_encoder");
  return folder.empty() ? release_file(root, "models_clip_", "") : folder;
}

void add_diffusers_parts(const fs::path& root, ModelLayout& layout) {
  layout.vae = if_folder(root / "vae");
  layout.text_encoder = if_folder(root / "text_encoder");
  layout.tokenizer = spiece_in(root / "tokenizer");
  layout.image_encoder = image_encoder_in(root);
}

void add_original_parts(const fs::path& root, ModelLayout& layout) {
  layout.vae = release_file(root, "Wan2.", "_VAE");
  layout.text_encoder = release_file(root, "models_t5_umt5-xxl-enc", "");
  layout.tokenizer = spiece_in(root / "google" / "umt5-xxl");
  layout.image_encoder = image_encoder_in(root);
}

/// The parts other than the transformer, from a folder of either kind.
void add_other_parts(const fs::path& root, ModelLayout& layout) {
  if (is_file(root / kIndex)) {
    add_diffusers_parts(root, layout);
  } else {
    add_original_parts(root, layout);
  }
}

void add_transformer(const fs::path& folder, ModelLayout& layout) {
  const fs::path gguf = file_like(folder, "", ".gguf");
  layout.transformer = has_transformer_weights(folder) || gguf.empty() ? folder : gguf;
  layout.transformer_config = if_file(folder / kConfig);
}

/// A Micro-World repository has none of the networks that it shares with its base.
fs::path find_base(const fs::path& root, const std::string& task, const std::string& given) {
  if (!given.empty()) {
    const fs::path base = find_model(given);
    if (layout_kind(base) == LayoutKind::kMicroWorld) {
      throw Error(ErrorCode::kInvalidArgument, "base model '" + base.string() +
                                                   "' is a Micro-World folder itself; wanted " +
                                                   base_name_of(task) + " or its diffusers form");
    }
    return base;
  }
  const std::string name = base_name_of(task);
  std::string pulled = name;  // As `mw pull` names it.
  for (char& c : pulled) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  for (const fs::path& place :
       {root, root.parent_path(), root.parent_path().parent_path(), cache_folder() / "models"}) {
    for (const std::string& form : {name, pulled, name + "-Diffusers"}) {
      const auto kind = layout_kind(place / form);
      if (kind == LayoutKind::kOriginal || kind == LayoutKind::kDiffusers) return place / form;
    }
  }
  return {};
}

/// The one model that is meant in a repository that holds both.
fs::path choose_combined(const fs::path& root, const std::string& task) {
  std::vector<std::string> names;
  for (const char* name : kCombined) {
    std::string lower = name;
    for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    if (!is_file(root / name / "transformer" / kConfig)) continue;
    if (lower == task) return root / name;
    names.emplace_back(name);
  }
  if (names.size() == 1 && task.empty()) return root / names[0];
  throw Error(ErrorCode::kInvalidArgument,
              task.empty() ? "model '" + root.string() + "' holds T2W and I2W; name one, as in '" +
                                 (root / "T2W").string() + "'"
                           : "model '" + root.string() + "' has no model for task " +
                                 quote_text(task) + "; it holds " + names.front());
}

/// Whether `version`, as in "0.37.1", is one that has the new tables of noise levels.
bool is_from_new_diffusers(const std::string& version) {
  int major = 0, minor = 0;
  return std::sscanf(version.c_str(), "%d.%d", &major, &minor) == 2 && (major > 0 || minor >= 37);
}

void take_sampler(const fs::path& scheduler_config, ModelDefaults& defaults) {
  io::read_json(scheduler_config, "scheduler", [&](const nlohmann::json& json) {
    const std::string name = json.value("_class_name", "");
    if (name == "UniPCMultistepScheduler") {
      defaults.sampler = "unipc";
      defaults.shift = json.value("flow_shift", 1.0);
    } else if (name == "DPMSolverMultistepScheduler") {
      defaults.sampler = "dpm++";
      defaults.shift = json.value("flow_shift", 1.0);
    } else if (name == "FlowMatchEulerDiscreteScheduler") {
      defaults.sampler = "euler";
      defaults.shift = json.value("shift", 1.0);
    } else {
      throw Error(ErrorCode::kConfig,
                  "scheduler: '" + scheduler_config.string() + "': _class_name " +
                      quote_text(name) +
                      " is not known; wanted UniPCMultistepScheduler, DPMSolverMultistepScheduler "
                      "or FlowMatchEulerDiscreteScheduler");
    }
    if (is_from_new_diffusers(json.value("_diffusers_version", ""))) {
      defaults.grid = diffusion::GridOwner::kDiffusers;
    }
    if (!(defaults.shift > 0 && defaults.shift <= 100)) {
      throw Error(ErrorCode::kConfig, "scheduler: '" + scheduler_config.string() +
                                          "': the shift must be over 0 and up to 100");
    }
  });
}

void describe(ModelLayout& layout) {
  TransformerFacts facts;
  if (!layout.transformer_config.empty()) {
    facts = read_transformer_facts(layout.transformer_config);
  } else if (is_file(layout.transformer)) {
    const io::WeightsFile file(layout.transformer);
    const auto found = transformer_facts_of(file.tensors());
    if (!found) {
      throw Error(ErrorCode::kFormat, "model: '" + layout.transformer.string() +
                                          "' holds no Wan transformer, and has no config.json "
                                          "beside it");
    }
    facts = *found;
  }
  layout.naming = facts.naming;
  const FamilyMatch match = match_family(facts, layout.root.filename().string());
  layout.family = match.family;
  layout.task = match.task;
  layout.is_released_size = match.is_exact;
  layout.defaults = match.defaults;
  if (layout.kind == LayoutKind::kDiffusers) {
    layout.defaults = as_diffusers(layout.defaults, match.task);
    if (!layout.scheduler.empty()) take_sampler(layout.scheduler, layout.defaults);
  }
}

ModelLayout embedded_layout(const fs::path& root) {
  ModelLayout layout;
  layout.kind = LayoutKind::kEmbedded;
  layout.root = root;
  layout.family = "embedded";
  layout.task = "play";
  layout.is_released_size = true;
  add_diffusers_parts(root, layout);
  add_transformer(root / "transformer", layout);
  layout.scheduler = if_file(root / "scheduler" / "scheduler_config.json");
  return layout;
}

}  // namespace

const char* name_of(LayoutKind kind) {
  constexpr std::array kNames = {"embedded", "diffusers", "original", "micro-world"};
  return kNames[static_cast<size_t>(kind)];
}

const fs::path& ModelLayout::part(const std::string& name) const {
  const std::array<std::pair<std::string_view, const fs::path*>, 8> parts = {
      {{"transformer", &transformer},
       {"transformer_config", &transformer_config},
       {"vae", &vae},
       {"text_encoder", &text_encoder},
       {"tokenizer", &tokenizer},
       {"image_encoder", &image_encoder},
       {"scheduler", &scheduler},
       {"lora", &lora}}};
  const auto found =
      std::find_if(parts.begin(), parts.end(), [&](const auto& p) { return p.first == name; });
  MW_CHECK(found != parts.end(), "model: no part is called '", name, "'");
  if (found->second->empty()) {
    std::string message = "model '" + root.string() + "' has no " + name;
    if (kind == LayoutKind::kMicroWorld) {
      message += base.empty() ? "; it comes from a base model: wanted " + base_name_of(task) +
                                    " beside it, or its path as the base"
                              : ", nor has its base '" + base.string() + "'";
    }
    throw Error(ErrorCode::kIo, message);
  }
  return *found->second;
}

std::optional<LayoutKind> layout_kind(const fs::path& folder) {
  if (is_file(folder / kIndex)) {
    const bool has_prior = is_folder(folder / "camera_prior") || !is_folder(folder / "transformer");
    return has_prior ? LayoutKind::kEmbedded : LayoutKind::kDiffusers;
  }
  if (is_file(folder / "transformer" / kConfig)) return LayoutKind::kMicroWorld;
  for (const char* name : kCombined) {
    if (is_file(folder / name / "transformer" / kConfig)) return LayoutKind::kMicroWorld;
  }
  if (is_folder(folder) && is_original(folder)) return LayoutKind::kOriginal;
  return std::nullopt;
}

ModelLayout find_layout(const std::string& path_or_name, const LayoutRequest& request) {
  const fs::path found = find_model(path_or_name);
  ModelLayout layout;
  if (is_file(found)) {
    layout.root = found.parent_path();
    add_other_parts(layout.root, layout);
    layout.transformer = found;
    layout.transformer_config = if_file(layout.root / kConfig);
    describe(layout);
    return layout;
  }
  layout.kind = *layout_kind(found);
  layout.root = found;
  switch (layout.kind) {
    case LayoutKind::kEmbedded:
      return embedded_layout(found);
    case LayoutKind::kDiffusers:
      add_diffusers_parts(found, layout);
      add_transformer(found / "transformer", layout);
      layout.scheduler = if_file(found / "scheduler" / "scheduler_config.json");
      break;
    case LayoutKind::kOriginal:
      add_original_parts(found, layout);
      add_transformer(found, layout);
      break;
    case LayoutKind::kMicroWorld:
      if (!is_file(found / "transformer" / kConfig)) {
        layout.root = choose_combined(found, request.task);
      }
      add_transformer(layout.root / "transformer", layout);
      layout.lora = if_file(layout.root / kLora);
      break;
  }
  describe(layout);
  if (layout.kind == LayoutKind::kMicroWorld) {
    if (layout.task != "t2w" && layout.task != "i2w") {
      throw Error(ErrorCode::kConfig,
                  "model '" + layout.root.string() +
                      "': its transformer has no action layers and there is no model_index.json; "
                      "wanted a Micro-World or diffusers folder");
    }
    layout.base = find_base(layout.root, layout.task, request.base);
    if (!layout.base.empty()) add_other_parts(layout.base, layout);
  }
  return layout;
}

}  // namespace mw::engine
