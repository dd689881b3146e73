// SPDX-License-Identifier: Apache-2.0
#include "mw/models/lora/lora_file.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "mw/core/error.h"
#include "mw/models/lora/lora_keys.h"
#include "mw/models/wan/key_map.h"

namespace mw::lora {
namespace {

using nlohmann::json;

/// Scale of modules without an alpha of their own, by peft's configuration.
class PeftScales {
 public:
  PeftScales(const std::string& text, bool is_diffusers, const std::string& source)
      : is_diffusers_(is_diffusers) {
    if (text.empty()) return;
    try {
      const json all = json::parse(text);
      // diffusers puts the component's name before each field.
      for (const auto& [key, value] : all.items()) {
        constexpr std::string_view kComponent = "transformer.";
        fields_[key.starts_with(kComponent) ? key.substr(kComponent.size()) : key] = value;
      }
      if (fields_.contains("lora_alpha") && !fields_["lora_alpha"].is_null()) {
        alpha_ = fields_["lora_alpha"].get<double>();
      }
      is_rank_stabilised_ = fields_.value("use_rslora", false);
      const json patterns = fields_.value("alpha_pattern", json::object());
      for (const auto& [name, value] : patterns.items()) {
        alphas_.emplace_back(name, value.get<double>());
      }
    } catch (const json::exception&) {
      throw Error(ErrorCode::kFormat,
                  "LoRA: the configuration of '" + source + "' is not the JSON of a LoRA");
    }
  }

  double scale_of(const std::string& module, double rank) const {
    std::optional<double> alpha = alpha_;
    const std::string name = is_diffusers_ ? wan::diffusers_name(module) : module;
    for (const auto& [pattern, value] : alphas_) {
      const bool is_tail = name.size() > pattern.size() && name.ends_with(pattern) &&
                           name[name.size() - pattern.size() - 1] == '.';
      if (name == pattern || is_tail) alpha = value;
    }
    return alpha ? *alpha / (is_rank_stabilised_ ? std::sqrt(rank) : rank) : 1;
  }

 private:
  bool is_diffusers_;
  json fields_ = json::object();
  std::optional<double> alpha_;
  bool is_rank_stabilised_ = false;
  std::vector<std::pair<std::string, double>> alphas_;
};

/// Throws Error kWeights when there are `names`, with the first of them.
void refuse(const std::string& source, const std::string& what,
            const std::vector<std::string>& names) {
  if (names.empty()) return;
  std::string list;
  for (size_t i = 0; i < std::min<size_t>(names.size(), 8); ++i) {
    list += (i == 0 ? "" : ", ") + quote_text(names[i]);
  }
  throw Error(ErrorCode::kWeights,
              concat_message("LoRA: '", source, "' has ", names.size(), " ", what, ": ", list,
                             names.size() > 8 ? ", ..." : ""));
}

/// Where tensors of one role lie until their module is complete.
struct Parts {
  at::Tensor down, up, up_bias, alpha;
};

}  // namespace

LoraFile LoraFile::of(const nn::TensorMap& tensors, const std::string& configuration,
                      const std::string& source) {
  const bool is_diffusers = std::any_of(tensors.begin(), tensors.end(), [](const auto& entry) {
    return is_diffusers_key(entry.first);
  });
  LoraFile file;
  file.source = source;
  std::map<std::string, Parts> all;
  std::vector<std::string> unknown, twice, halves;
  for (const auto& [name, tensor] : tensors) {
    if (is_of_text_encoder(name)) continue;
    const auto key = parse_key(name, is_diffusers);
    if (!key || !tensor.is_floating_point()) {
      unknown.push_back(name);
      continue;
    }
    const auto put = [&, &stored_name = name, &value = tensor](at::Tensor& place) {
      if (place.defined()) twice.push_back(stored_name);
      place = value;
    };
    switch (key->role) {
      case Role::kDown:
        put(all[key->module].down);
        break;
      case Role::kUp:
        put(all[key->module].up);
        break;
      case Role::kUpBias:
        put(all[key->module].up_bias);
        break;
      case Role::kAlpha:
        put(all[key->module].alpha);
        break;
      case Role::kWeightDifference:
        put(file.differences[key->module + ".weight"]);
        break;
      case Role::kBiasDifference:
        put(file.differences[key->module + ".bias"]);
        break;
      case Role::kModulation:
        put(file.differences[key->module + ".modulation"]);
        break;
    }
  }
  const PeftScales scales(configuration, is_diffusers, source);
  for (const auto& [module, parts] : all) {
    const bool is_pair = parts.down.defined() && parts.up.defined() && parts.down.dim() >= 2 &&
                         parts.up.dim() == parts.down.dim() &&
                         parts.up.size(1) == parts.down.size(0) && parts.down.size(0) > 0;
    if (!is_pair) {
      // Some tools write an alpha beside a full difference; it scales nothing.
      const bool is_difference = !parts.down.defined() && !parts.up.defined() &&
                                 file.differences.count(module + ".weight") != 0;
      if (!is_difference) halves.push_back(module);
      continue;
    }
    const auto rank = static_cast<double>(parts.down.size(0));
    const bool has_alpha = parts.alpha.defined() && parts.alpha.numel() == 1;
    file.modules[module] = {.down = parts.down,
                            .up = parts.up,
                            .up_bias = parts.up_bias,
                            .scale = has_alpha ? parts.alpha.to(at::kDouble).item<double>() / rank
                                               : scales.scale_of(module, rank)};
  }
  refuse(source, "keys that are of no known style", unknown);
  refuse(source, "keys that mean the same as another one", twice);
  refuse(source, "modules without two matrices that fit", halves);
  if (file.modules.empty() && file.differences.empty()) {
    throw Error(ErrorCode::kWeights, "LoRA: '" + source + "' holds no change of any module");
  }
  return file;
}

LoraFile LoraFile::read(const std::filesystem::path& path) {
  std::string configuration;
  const bool is_folder = std::filesystem::is_directory(path);
  if (!is_folder && path.extension() == ".safetensors") {
    const nn::Metadata metadata = nn::read_metadata(path);
    const auto found = metadata.find("lora_adapter_metadata");
    if (found != metadata.end()) configuration = found->second;
  }
  const auto beside = (is_folder ? path : path.parent_path()) / "adapter_config.json";
  if (configuration.empty() && std::filesystem::is_regular_file(beside)) {
    std::ifstream in(beside, std::ios::binary);
    configuration.assign(std::istreambuf_iterator<char>(in), {});
  }
  return of(nn::read_tensors(path), configuration, path.string());
}

}  // namespace mw::lora
