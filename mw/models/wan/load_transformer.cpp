// SPDX-License-Identifier: Apache-2.0
#include "mw/models/wan/load_transformer.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "mw/models/wan/key_map.h"

namespace mw::wan {
namespace {

// Repackaged single files put the whole model under one of these.
constexpr std::array<std::string_view, 2> kPrefixes = {"model.diffusion_model.",
                                                       "diffusion_model."};

std::string without_prefix(const std::string& name) {
  for (const std::string_view prefix : kPrefixes) {
    if (name.starts_with(prefix)) return name.substr(prefix.size());
  }
  return name;
}

/// The two namings can't be told apart name by name: the norms change places.
bool has_diffusers_names(const nn::TensorMap& tensors) {
  return std::any_of(tensors.begin(), tensors.end(), [](const auto& entry) {
    return without_prefix(entry.first).starts_with("condition_embedder.");
  });
}

/// Small tensors whose rounding would move every token.
bool stays_float(const std::string& name) {
  return name.ends_with(".modulation") || name.find("norm") != std::string::npos ||
         name.starts_with("time_embedding.") || name.ends_with(".weight_scale");
}

/// GGUF files drop leading axes of size 1 and, having four at most, join the first two axes of the
/// patch embedding.
void restore_shapes(nn::TensorMap& tensors) {
  for (auto& [name, tensor] : tensors) {
    const bool is_table = name.ends_with("modulation") || name.ends_with("emb_pos");
    if (is_table && tensor.dim() == 2) tensor = tensor.unsqueeze(0);
  }
  const auto patch = tensors.find("patch_embedding.weight");
  const auto bias = tensors.find("patch_embedding.bias");
  if (patch == tensors.end() || bias == tensors.end() || patch->second.dim() != 4) return;
  const int64_t joined = patch->second.size(0), dim = bias->second.numel();
  if (dim > 0 && joined % dim == 0) {
    patch->second = patch->second.unflatten(0, {dim, joined / dim});
  }
}

}  // namespace

nn::ParameterStore load_weights(const std::filesystem::path& folder,
                                std::optional<at::ScalarType> dtype) {
  const nn::TensorMap stored = nn::read_tensors(folder, dtype.value_or(at::kFloat));
  const bool is_diffusers = has_diffusers_names(stored);
  nn::TensorMap tensors;
  for (const auto& [stored_name, tensor] : stored) {
    // Some converted image models carry a query norm that nothing reads.
    if (stored_name.ends_with("attn2.norm_added_q.weight")) continue;
    std::string name = without_prefix(stored_name);
    if (is_diffusers) name = original_name(name);
    const bool is_converted = dtype && tensor.is_floating_point();
    tensors.emplace(name,
                    is_converted ? tensor.to(stays_float(name) ? at::kFloat : *dtype) : tensor);
  }
  restore_shapes(tensors);
  return nn::ParameterStore(std::move(tensors));
}

Transformer load_transformer(const std::filesystem::path& folder,
                             std::optional<at::ScalarType> dtype) {
  return load_transformer(folder, WanConfig::read(folder / "config.json"), dtype);
}

Transformer load_transformer(const std::filesystem::path& folder, const WanConfig& config,
                             std::optional<at::ScalarType> dtype) {
  nn::ParameterStore store = load_weights(folder, dtype);
  return nn::build_strictly<Transformer>(config, store, folder.string());
}

}  // namespace mw::wan
