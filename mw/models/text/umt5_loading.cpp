// SPDX-License-Identifier: Apache-2.0
// UMT5 on disk: config.json, the two namings of its tensors, loading.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "mw/core/error.h"
#include "mw/io/atomic_file.h"
#include "mw/io/json_file.h"
#include "mw/models/text/umt5_encoder.h"

namespace mw::text {
namespace {

using NamePair = std::pair<std::string_view, std::string_view>;

/// Original and Hugging Face names outside the blocks.
constexpr std::array<NamePair, 2> kTopNames = {{
    {"token_embedding.weight", "shared.weight"},
    {"norm.weight", "encoder.final_layer_norm.weight"},
}};

/// The same after `blocks.N.` and `encoder.block.N.`.
constexpr std::array<NamePair, 10> kBlockNames = {{
    {"norm1.weight", "layer.0.layer_norm.weight"},
    {"attn.q.weight", "layer.0.SelfAttention.q.weight"},
    {"attn.k.weight", "layer.0.SelfAttention.k.weight"},
    {"attn.v.weight", "layer.0.SelfAttention.v.weight"},
    {"attn.o.weight", "layer.0.SelfAttention.o.weight"},
    {"pos_embedding.embedding.weight", "layer.0.SelfAttention.relative_attention_bias.weight"},
    {"norm2.weight", "layer.1.layer_norm.weight"},
    {"ffn.gate.0.weight", "layer.1.DenseReluDense.wi_0.weight"},
    {"ffn.fc1.weight", "layer.1.DenseReluDense.wi_1.weight"},
    {"ffn.fc2.weight", "layer.1.DenseReluDense.wo.weight"},
}};

constexpr std::string_view kOriginalBlock = "blocks.", kHuggingFaceBlock = "encoder.block.";

std::string_view side(const NamePair& pair, bool original) {
  return original ? pair.first : pair.second;
}

std::string translated(const std::string& name, bool from_original) {
  for (const NamePair& pair : kTopNames) {
    if (side(pair, from_original) == name) return std::string(side(pair, !from_original));
  }
  const std::string_view from = from_original ? kOriginalBlock : kHuggingFaceBlock;
  const std::string_view to = from_original ? kHuggingFaceBlock : kOriginalBlock;
  if (!name.starts_with(from)) return name;
  const size_t dot = name.find('.', from.size());
  if (dot == std::string::npos) return name;
  for (const NamePair& pair : kBlockNames) {
    if (side(pair, from_original) == std::string_view(name).substr(dot + 1)) {
      return std::string(to) + name.substr(from.size(), dot - from.size() + 1) +
             std::string(side(pair, !from_original));
    }
  }
  return name;
}

}  // namespace

std::string umt5_original_name(const std::string& hugging_face_name) {
  return translated(hugging_face_name, false);
}

std::string umt5_hugging_face_name(const std::string& original_name) {
  return translated(original_name, true);
}

UMT5Config UMT5Config::read(const std::filesystem::path& file) {
  UMT5Config config;
  io::read_json(file, "text encoder", [&](const nlohmann::json& json) {
    config.vocab_size = json.at("vocab_size");
    config.d_model = json.at("d_model");
    config.d_kv = json.at("d_kv");
    config.d_ff = json.at("d_ff");
    config.num_layers = json.at("num_layers");
    config.num_heads = json.at("num_heads");
    config.eps = json.value("layer_norm_epsilon", config.eps);
    if (json.value("relative_attention_num_buckets", kNumBuckets) != kNumBuckets ||
        json.value("relative_attention_max_distance", 128) != 128 ||
        json.value("feed_forward_proj", "gated-gelu") != "gated-gelu") {
      throw Error(ErrorCode::kConfig,
                  "text encoder: '" + file.string() +
                      "' is no UMT5: wanted 32 buckets to distance 128 and gated-gelu");
    }
  });
  config.check(file.string());
  return config;
}

void UMT5Config::check(const std::string& source) const {
  for (const int64_t size : {vocab_size, d_model, d_kv, d_ff, num_layers, num_heads}) {
    if (size < 1 || size > 1 << 24) {
      throw Error(ErrorCode::kConfig, concat_message("text encoder: '", source, "': a size of ",
                                                     size, " is out of range"));
    }
  }
}

void UMT5Config::write(const std::filesystem::path& file) const {
  const nlohmann::json json = {{"architectures", {"UMT5EncoderModel"}},
                               {"model_type", "umt5"},
                               {"vocab_size", vocab_size},
                               {"d_model", d_model},
                               {"d_kv", d_kv},
                               {"d_ff", d_ff},
                               {"num_layers", num_layers},
                               {"num_heads", num_heads},
                               {"layer_norm_epsilon", eps},
                               {"relative_attention_num_buckets", kNumBuckets},
                               {"relative_attention_max_distance", 128},
                               {"feed_forward_proj", "gated-gelu"}};
  io::write_file(file, json.dump(2) + "\n");
}

UMT5Config umt5_config_of(const nn::TensorMap& tensors, const std::string& source) {
  const auto matrix = [&](const std::string& name) {
    const auto found = tensors.find(name);
    if (found == tensors.end() || found->second.dim() != 2) {
      throw Error(ErrorCode::kWeights,
                  "text encoder: '" + source + "' has no matrix '" + name + "'");
    }
    return found->second.sizes();
  };
  UMT5Config config;
  config.vocab_size = matrix("token_embedding.weight")[0];
  config.d_model = matrix("token_embedding.weight")[1];
  config.d_ff = matrix("blocks.0.ffn.fc1.weight")[0];
  config.num_heads = matrix("blocks.0.pos_embedding.embedding.weight")[1];
  config.d_kv = matrix("blocks.0.attn.q.weight")[0] / std::max<int64_t>(config.num_heads, 1);
  config.num_layers = 0;
  while (tensors.count("blocks." + std::to_string(config.num_layers) + ".norm1.weight") != 0) {
    ++config.num_layers;
  }
  config.check(source);
  return config;
}

UMT5Encoder load_umt5(const std::filesystem::path& path, at::ScalarType dtype) {
  const bool is_folder = std::filesystem::is_directory(path);
  nn::TensorMap tensors;
  for (const auto& [name, tensor] : nn::read_tensors(path, dtype)) {
    // A second copy of `shared.weight`, and the tokenizer that repackaged files carry along.
    if (name == "encoder.embed_tokens.weight" || name == "spiece_model") continue;
    tensors.emplace(umt5_original_name(name),
                    tensor.is_floating_point() ? tensor.to(dtype) : tensor);
  }
  const UMT5Config config =
      is_folder ? UMT5Config::read(path / "config.json") : umt5_config_of(tensors, path.string());
  nn::ParameterStore store(std::move(tensors));
  return nn::build_strictly<UMT5Encoder>(config, store, path.string());
}

}  // namespace mw::text
