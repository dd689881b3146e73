// SPDX-License-Identifier: Apache-2.0
#include "mw/models/wan/action_start.h"

#include <ATen/ops/constant_pad_nd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "mw/core/error.h"
#include "mw/models/wan/action_module.h"
#include "mw/models/wan/load_transformer.h"
#include "mw/nn/linear.h"

namespace mw::wan {
namespace {

constexpr const char* kPatches = "patch_embedding.weight";

void copy_blocks_for_branch(const WanConfig& config, nn::TensorMap& tensors) {
  const bool has_branch = std::any_of(tensors.begin(), tensors.end(), [](const auto& entry) {
    return entry.first.starts_with("action_blocks.");
  });
  if (has_branch) return;
  nn::TensorMap copies;
  for (size_t j = 0; j < config.action_layers.size(); ++j) {
    const std::string from = "blocks." + std::to_string(config.action_layers[j]) + ".";
    for (auto entry = tensors.lower_bound(from);
         entry != tensors.end() && entry->first.starts_with(from); ++entry) {
      copies.emplace("action_blocks." + std::to_string(j) + "." + entry->first.substr(from.size()),
                     entry->second.clone());
    }
  }
  tensors.merge(copies);
}

/// The tensors that only action models have, with starting values.
nn::TensorMap created_action_parts(const WanConfig& config, uint64_t seed) {
  nn::ParameterStore created = nn::ParameterStore::created(seed);
  const nn::WeightScope root(created);
  const ActionModule actions(config, root / "action_preprocess");
  if (config.has_control_branch()) {
    const nn::WeightScope branch = root / "action_blocks";
    const nn::Linear before(branch / 0 / "before_proj", config.action_dim, config.dim, true,
                            nn::Init::zeros());
    for (int64_t j = 0; j < static_cast<int64_t>(config.action_layers.size()); ++j) {
      const nn::Linear after(branch / j / "after_proj", config.dim, config.dim, true,
                             nn::Init::zeros());
    }
  } else {
    for (int64_t i = 0; i < config.num_layers; ++i) {
      const nn::Linear modulation(root / "blocks" / i / "action_adaLN_modulation" / 1,
                                  config.action_dim, 6 * config.dim);
    }
  }
  return created.tensors();
}

}  // namespace

nn::ParameterStore load_action_start(const std::filesystem::path& folder, const WanConfig& config,
                                     uint64_t seed) {
  MW_CHECK(config.has_actions(), "action start: the config is of a model without actions");
  nn::TensorMap tensors = load_weights(folder, at::kFloat).tensors();
  const auto patches = tensors.find(kPatches);
  if (patches != tensors.end() && patches->second.dim() == 5) {
    const int64_t missing = config.in_dim - patches->second.size(1);
    if (missing > 0) {
      patches->second = at::constant_pad_nd(patches->second, {0, 0, 0, 0, 0, 0, 0, missing});
    }
  }
  if (config.has_control_branch()) copy_blocks_for_branch(config, tensors);
  nn::TensorMap created = created_action_parts(config, seed);
  tensors.merge(created);  // What is there stays.
  return nn::ParameterStore(std::move(tensors));
}

}  // namespace mw::wan
