// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "mw/engine/model_layout.h"
#include "mw/io/weights_file.h"

namespace mw::engine {

/// What tells one kind of transformer from another.
struct TransformerFacts {
  enum class Actions { kNone, kControlNet, kAdaLN };
  wan::Naming naming = wan::Naming::kOriginal;
  Actions actions = Actions::kNone;
  bool has_image_branch = false;
  bool has_two_images = false;  ///< 514 image tokens: a first and a last frame.
  bool is_ti2v = false;         ///< Text or a first frame, told apart by timesteps.
  int64_t dim = 0;
  int64_t num_layers = 0;
  int64_t in_dim = 16;
};

/// Reads them from a transformer's `config.json` in either naming. Throws Error kIo, kFormat or
/// kConfig, naming the file.
TransformerFacts read_transformer_facts(const std::filesystem::path& config_json);

/// The same from the tensors of a transformer that has no `config.json`, in either naming and with
/// any prefix; nothing when they are not those of a Wan transformer.
std::optional<TransformerFacts> transformer_facts_of(
    const std::map<std::string, io::StoredTensor>& tensors);

/// The row of the table of model families that fits.
struct FamilyMatch {
  std::string family;
  std::string task;
  bool is_exact = false;  ///< Whether width, depth and channels are that family's.
  ModelDefaults defaults;
};

/// The family of a transformer. Of several with the same parts it is the one of the same sizes, or
/// else the first; `folder_name` tells apart what has equal sizes too ("720P").
FamilyMatch match_family(const TransformerFacts& facts, const std::string& folder_name);

/// The defaults that diffusers' pipelines have for a model of this task.
ModelDefaults as_diffusers(ModelDefaults defaults, const std::string& task);

/// The release that a Micro-World model of this task was made from: "Wan2.1-T2V-1.3B", ...
std::string base_name_of(const std::string& task);

}  // namespace mw::engine
