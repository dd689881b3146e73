// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/model_families.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "mw/core/error.h"
#include "mw/io/json_file.h"

namespace mw::engine {
namespace {

using Actions = TransformerFacts::Actions;

struct Family {
  const char* name;
  const char* task;
  const char* release;  ///< Part of the release's name that tells equal sizes apart, or empty.
  int64_t dim, num_layers, in_dim;
  bool has_image_branch, has_two_images;
  Actions actions;
  ModelDefaults defaults;
};

// Steps, guidance and shift: `generate.py` and the configurations of github.com/Wan-Video/Wan2.1
// and Wan2.2, and the example scripts of github.com/AMD-AGI/Micro-World, which keep TeaCache on and
// merge the LoRA of I2W only.
const std::array<Family, 8>& families() {
  static const std::array<Family, 8> table = {{
      {"t2v-1.3b",
       "t2v",
       "",
       1536,
       30,
       16,
       false,
       false,
       Actions::kNone,
       {.steps = 50, .guidance = 5, .shift = 5}},
      {"t2v-14b",
       "t2v",
       "",
       5120,
       40,
       16,
       false,
       false,
       Actions::kNone,
       {.steps = 50, .guidance = 5, .shift = 5, .width = 1280, .height = 720}},
      {"i2v-14b-480p",
       "i2v",
       "",
       5120,
       40,
       36,
       true,
       false,
       Actions::kNone,
       {.steps = 40, .guidance = 5, .shift = 3}},
      {"i2v-14b-720p",
       "i2v",
       "720P",
       5120,
       40,
       36,
       true,
       false,
       Actions::kNone,
       {.steps = 40, .guidance = 5, .shift = 5, .width = 1280, .height = 720}},
      {"flf2v-14b-720p",
       "flf2v",
       "",
       5120,
       40,
       36,
       true,
       true,
       Actions::kNone,
       {.steps = 50, .guidance = 5, .shift = 16, .width = 1280, .height = 720}},
      {"ti2v-5b",
       "ti2v",
       "",
       3072,
       30,
       48,
       false,
       false,
       Actions::kNone,
       {.steps = 50,
        .guidance = 5,
        .shift = 5,
        .fps = 24,
        .frames = 121,
        .width = 1280,
        .height = 704}},
      {"t2w-1.3b",
       "t2w",
       "",
       1536,
       30,
       16,
       false,
       false,
       Actions::kControlNet,
       {.steps = 30,
        .guidance = 3,
        .shift = 3,
        .fps = 15,
        .width = 640,
        .height = 352,
        .tea_cache = 0.20}},
      {"i2w-14b",
       "i2w",
       "",
       5120,
       40,
       36,
       true,
       false,
       Actions::kAdaLN,
       {.steps = 30,
        .guidance = 6,
        .shift = 3,
        .width = 640,
        .height = 352,
        .tea_cache = 0.20,
        .merges_lora = true}},
  }};
  return table;
}

/// The same parts, whatever their widths. Micro-World's two ways of taking actions exist for both
/// kinds of base, so there the base is told by its image branch.
bool has_parts_of(const Family& family, const TransformerFacts& facts) {
  const bool has_actions = facts.actions != Actions::kNone;
  if (has_actions != (family.actions != Actions::kNone)) return false;
  if (family.has_image_branch != facts.has_image_branch) return false;
  return has_actions || (family.has_two_images == facts.has_two_images &&
                         (std::string_view(family.task) == "ti2v") == facts.is_ti2v);
}

bool has_sizes_of(const Family& family, const TransformerFacts& facts) {
  return family.actions == facts.actions && family.dim == facts.dim &&
         family.num_layers == facts.num_layers && family.in_dim == facts.in_dim;
}

}  // namespace

TransformerFacts read_transformer_facts(const std::filesystem::path& config_json) {
  TransformerFacts facts;
  const wan::WanConfig config = wan::WanConfig::read(config_json);
  facts.naming = config.naming;
  facts.dim = config.dim;
  facts.num_layers = config.num_layers;
  facts.in_dim = config.in_dim;
  io::read_json(config_json, "transformer", [&](const nlohmann::json& json) {
    const std::string type = json.value("model_type", "");
    facts.has_two_images = config.image_positions > 0;
    facts.has_image_branch = config.image_dim > 0;
    facts.is_ti2v = type == "ti2v" || config.in_dim > 36;
    if (config.has_actions()) {
      facts.actions = config.has_control_branch() ? Actions::kControlNet : Actions::kAdaLN;
    }
  });
  return facts;
}

std::optional<TransformerFacts> transformer_facts_of(
    const std::map<std::string, io::StoredTensor>& tensors) {
  constexpr std::string_view kPatch = "patch_embedding.weight";
  TransformerFacts facts;
  for (const auto& [full_name, tensor] : tensors) {
    if (!full_name.ends_with(kPatch) || tensor.shape.empty()) continue;
    const std::string prefix = full_name.substr(0, full_name.size() - kPatch.size());
    const auto bias = tensors.find(prefix + "patch_embedding.bias");
    if (bias == tensors.end() || bias->second.shape.empty()) continue;
    const auto has = [&](const std::string& name) { return tensors.count(prefix + name) != 0; };
    const bool is_diffusers = has("condition_embedder.time_proj.weight");
    if (!is_diffusers && !has("time_projection.1.weight")) continue;
    facts.naming = is_diffusers ? wan::Naming::kDiffusers : wan::Naming::kOriginal;
    facts.dim = bias->second.shape[0];
    // GGUF files join the first two axes.
    facts.in_dim = tensor.shape.size() == 5 ? tensor.shape[1]
                                            : tensor.shape[0] / std::max<int64_t>(facts.dim, 1);
    facts.is_ti2v = facts.in_dim > 36;
    const std::string image = is_diffusers ? "condition_embedder.image_embedder." : "img_emb.";
    facts.has_image_branch = has(image + (is_diffusers ? "norm1.weight" : "proj.0.weight"));
    facts.has_two_images = has(image + (is_diffusers ? "pos_embed" : "emb_pos"));
    if (has("action_preprocess.mouse_mlp.0.weight")) {
      facts.actions = has("action_blocks.0.modulation") ? Actions::kControlNet : Actions::kAdaLN;
    }
    const std::string table = is_diffusers ? ".scale_shift_table" : ".modulation";
    while (has("blocks." + std::to_string(facts.num_layers) + table)) ++facts.num_layers;
    return facts;
  }
  return std::nullopt;
}

FamilyMatch match_family(const TransformerFacts& facts, const std::string& folder_name) {
  const Family* found = nullptr;
  for (const Family& family : families()) {
    if (!has_parts_of(family, facts)) continue;
    const bool is_named =
        *family.release != '\0' && folder_name.find(family.release) != std::string::npos;
    const bool fits_better =
        found == nullptr || (has_sizes_of(family, facts) && !has_sizes_of(*found, facts));
    if (is_named || fits_better) found = &family;
  }
  if (found == nullptr) {
    throw Error(ErrorCode::kConfig,
                "transformer: no known model of first and last frames is also "
                "told apart by timesteps");
  }
  return {.family = found->name,
          .task = found->task,
          .is_exact = has_sizes_of(*found, facts),
          .defaults = found->defaults};
}

ModelDefaults as_diffusers(ModelDefaults defaults, const std::string& task) {
  defaults.grid = diffusion::GridOwner::kDiffusersOld;
  defaults.steps = 50;
  defaults.guidance = 5;
  defaults.shift = task == "flf2v" ? 16 : task == "ti2v" ? 5 : 3;
  if (task != "ti2v") {
    defaults.width = 832;
    defaults.height = 480;
  }
  return defaults;
}

std::string base_name_of(const std::string& task) {
  return task == "i2w" ? "Wan2.1-I2V-14B-480P" : "Wan2.1-T2V-1.3B";
}

}  // namespace mw::engine
