// SPDX-License-Identifier: Apache-2.0
// CLIP's image encoder on disk: config.json, the two namings of its tensors, loading.
#include <ATen/ops/cat.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "mw/core/error.h"
#include "mw/io/atomic_file.h"
#include "mw/io/json_file.h"
#include "mw/models/clip/vision_encoder.h"

namespace mw::clip {
namespace {

using NamePair = std::pair<std::string_view, std::string_view>;

/// Original and Hugging Face names: an entry stands for its own name and for all after its dot.
constexpr std::array<NamePair, 5> kTopNames = {{
    {"cls_embedding", "embeddings.class_embedding"},
    {"pos_embedding", "embeddings.position_embedding.weight"},
    {"patch_embedding", "embeddings.patch_embedding"},
    {"pre_norm", "pre_layrnorm"},  // The name in released files is spelled like this.
    {"post_norm", "post_layernorm"},
}};

/// The same after `transformer.N.` and `encoder.layers.N.`.
constexpr std::array<NamePair, 8> kLayerNames = {{
    {"norm1", "layer_norm1"},
    {"norm2", "layer_norm2"},
    {"attn.to_qkv.0", "self_attn.q_proj"},
    {"attn.to_qkv.1", "self_attn.k_proj"},
    {"attn.to_qkv.2", "self_attn.v_proj"},
    {"attn.proj", "self_attn.out_proj"},
    {"mlp.0", "mlp.fc1"},
    {"mlp.2", "mlp.fc2"},
}};

constexpr std::string_view kLayer = "transformer.", kHuggingFaceLayer = "encoder.layers.";
constexpr std::string_view kVisual = "visual.", kVisionModel = "vision_model.";
constexpr int64_t kHeadSize = 80;  // Of ViT-H/14: files without a config are of this family.

template <size_t kSize>
std::string from_hugging_face(std::string_view name, const std::array<NamePair, kSize>& table) {
  for (const auto& [original, known] : table) {
    if (name == known || (name.starts_with(known) && name[known.size()] == '.')) {
      return std::string(original) + std::string(name.substr(known.size()));
    }
  }
  return std::string(name);
}

/// What a CLIP checkpoint holds beside its image encoder.
bool is_outside(const std::string& name) {
  for (const char* prefix : {"textual.", "text_model.", "text_projection", "visual_projection",
                             "logit_scale", "log_scale"}) {
    if (name.starts_with(prefix)) return true;
  }
  return name.ends_with("position_ids");
}

/// Joins the three projections of Hugging Face's files, of weights and of biases.
nn::TensorMap with_joined_projections(const nn::TensorMap& tensors) {
  nn::TensorMap joined;
  constexpr std::string_view kFirst = ".to_qkv.0.";
  for (const auto& [name, tensor] : tensors) {
    const size_t at_part = name.find(".to_qkv.");
    const size_t at_first = name.find(kFirst);
    if (at_part == std::string::npos || at_part + 9 >= name.size() || name[at_part + 9] != '.') {
      joined.emplace(name, tensor);
      continue;
    }
    const std::string head = name.substr(0, at_part + 8), tail = name.substr(at_part + 10);
    if (at_first == std::string::npos) {
      if (tensors.count(head + "0." + tail) == 0) joined.emplace(name, tensor);  // To be told.
      continue;
    }
    std::vector<at::Tensor> parts;
    for (const char* part : {"0.", "1.", "2."}) {
      const auto found = tensors.find(head + part + tail);
      if (found == tensors.end()) {
        throw Error(ErrorCode::kWeights, "weight '" + head + part + tail + "' is missing");
      }
      parts.push_back(found->second);
    }
    joined.emplace(head.substr(0, head.size() - 1) + "." + tail, at::cat(parts, 0));
  }
  return joined;
}

/// Sizes of a file without a config, from the shapes that fix them.
VisionConfig config_of(const nn::TensorMap& tensors, const std::string& source) {
  const auto shape = [&](const std::string& name) {
    const auto found = tensors.find(name);
    if (found == tensors.end() || found->second.dim() < 2) {
      throw Error(ErrorCode::kWeights,
                  "image encoder: '" + source + "' has no matrix '" + name + "'");
    }
    return found->second.sizes().vec();
  };
  VisionConfig config;
  const auto patch = shape("patch_embedding.weight"), positions = shape("pos_embedding");
  config.width = patch.front();
  config.patch_size = patch.back();
  config.mlp_dim = shape("transformer.0.mlp.0.weight").front();
  config.num_heads = config.width / kHeadSize;
  config.num_layers = 0;
  while (tensors.count("transformer." + std::to_string(config.num_layers) + ".norm1.weight") != 0) {
    ++config.num_layers;
  }
  int64_t side = 1;
  while (side < 1024 && (side + 1) * (side + 1) < positions[positions.size() - 2]) ++side;
  config.image_size = side * config.patch_size;
  config.check(source);
  return config;
}

}  // namespace

std::string original_name(const std::string& hugging_face_name) {
  std::string_view name = hugging_face_name;
  if (!name.starts_with(kVisionModel)) return hugging_face_name;
  name.remove_prefix(kVisionModel.size());
  const size_t dot = name.find('.', kHuggingFaceLayer.size());
  if (!name.starts_with(kHuggingFaceLayer) || dot == std::string_view::npos) {
    return from_hugging_face(name, kTopNames);
  }
  const std::string_view number =
      name.substr(kHuggingFaceLayer.size(), dot + 1 - kHuggingFaceLayer.size());
  return std::string(kLayer) + std::string(number) +
         from_hugging_face(name.substr(dot + 1), kLayerNames);
}

VisionConfig VisionConfig::read(const std::filesystem::path& file) {
  VisionConfig config;
  io::read_json(file, "image encoder", [&](const nlohmann::json& json) {
    const nlohmann::json& from = json.contains("vision_config") ? json.at("vision_config") : json;
    config.width = from.value("hidden_size", config.width);
    config.mlp_dim = from.value("intermediate_size", config.mlp_dim);
    config.num_layers = from.value("num_hidden_layers", config.num_layers);
    config.num_heads = from.value("num_attention_heads", config.num_heads);
    config.image_size = from.value("image_size", config.image_size);
    config.patch_size = from.value("patch_size", config.patch_size);
    config.eps = from.value("layer_norm_eps", config.eps);
    const std::string activation = from.value("hidden_act", "quick_gelu");
    if (activation != "gelu") {
      throw Error(ErrorCode::kConfig, "image encoder: '" + file.string() + "': hidden_act is " +
                                          quote_text(activation) + ", wanted 'gelu'");
    }
  });
  config.check(file.string());
  return config;
}

void VisionConfig::write(const std::filesystem::path& file) const {
  const nlohmann::json json = {{"architectures", {"CLIPVisionModel"}},
                               {"model_type", "clip_vision_model"},
                               {"hidden_size", width},
                               {"intermediate_size", mlp_dim},
                               {"num_hidden_layers", num_layers},
                               {"num_attention_heads", num_heads},
                               {"image_size", image_size},
                               {"patch_size", patch_size},
                               {"layer_norm_eps", eps},
                               {"hidden_act", "gelu"}};
  io::write_file(file, json.dump(2) + "\n");
}

void VisionConfig::check(const std::string& source) const {
  const auto require = [&](bool holds, const std::string& what) {
    if (!holds) throw Error(ErrorCode::kConfig, "image encoder: '" + source + "': " + what);
  };
  for (const int64_t size : {width, mlp_dim, num_layers, num_heads, image_size, patch_size}) {
    require(size > 0 && size <= 1 << 16, concat_message("a size of ", size, " is out of range"));
  }
  require(width % num_heads == 0,
          concat_message("hidden_size ", width, " is not ", num_heads, " heads of equal size"));
  require(patch_size <= image_size && num_layers > 1 && num_layers <= 1024,
          "the sizes leave nothing to compute");
}

VisionEncoder load_vision_encoder(const std::filesystem::path& path, at::ScalarType dtype) {
  nn::TensorMap tensors;
  for (const auto& [stored, tensor] : nn::read_tensors(path)) {
    if (is_outside(stored)) continue;
    std::string name = original_name(stored);
    if (name.starts_with(kVisual)) name = name.substr(kVisual.size());
    if (name.starts_with("post_norm.") || name == "head") continue;
    // The class token is a plain row in Hugging Face's files, the positions a matrix.
    at::Tensor shaped = tensor;
    if (name == "cls_embedding") shaped = tensor.reshape({1, 1, -1});
    if (name == "pos_embedding" && tensor.dim() == 2) shaped = tensor.unsqueeze(0);
    tensors.emplace(name, shaped.is_floating_point() ? shaped.to(dtype) : shaped);
  }
  tensors = with_joined_projections(tensors);
  const bool is_folder = std::filesystem::is_directory(path);
  const VisionConfig config =
      is_folder ? VisionConfig::read(path / "config.json") : config_of(tensors, path.string());
  const std::string last = std::string(kLayer) + std::to_string(config.num_layers - 1) + ".";
  std::erase_if(tensors, [&](const auto& entry) { return entry.first.starts_with(last); });

  nn::ParameterStore store(std::move(tensors));
  return nn::build_strictly<VisionEncoder>(config, store, path.string());
}

}  // namespace mw::clip
