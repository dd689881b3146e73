// SPDX-License-Identifier: Apache-2.0
#include "mw/models/wan/config.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "mw/core/error.h"
#include "mw/io/atomic_file.h"
#include "mw/io/json_file.h"

namespace mw::wan {
namespace {

using nlohmann::json;

constexpr int64_t kMostLayers = 1 << 10;
constexpr const char* kActionClass = "WanActionAdaLNModel";
constexpr const char* kControlClass = "WanActionControlNetModel";
constexpr int64_t kActionDim = 1536;  // Micro-World's class default.

template <class Value>
void take(const json& from, const char* name, Value& value) {
  if (from.contains(name) && !from[name].is_null()) value = from[name].get<Value>();
}

void read_diffusers(const json& from, WanConfig& config) {
  // What diffusers' class assumes when its config.json leaves a field out.
  config.num_heads = 40;
  config.ffn_dim = 13824;
  config.num_layers = 40;
  int64_t head_dim = 128;
  take(from, "num_attention_heads", config.num_heads);
  take(from, "attention_head_dim", head_dim);
  config.dim = config.num_heads * head_dim;
  take(from, "in_channels", config.in_dim);
  take(from, "out_channels", config.out_dim);
  take(from, "image_dim", config.image_dim);
  take(from, "pos_embed_seq_len", config.image_positions);
  config.naming = Naming::kDiffusers;
}

void read_original(const json& from, WanConfig& config) {
  // What the original class assumes when its config.json leaves a field out.
  config.dim = 2048;
  config.ffn_dim = 8192;
  config.num_heads = 16;
  config.num_layers = 32;
  take(from, "dim", config.dim);
  take(from, "num_heads", config.num_heads);
  take(from, "in_dim", config.in_dim);
  take(from, "out_dim", config.out_dim);
  std::string model_type = "t2v";
  take(from, "model_type", model_type);
  config.image_dim = model_type == "i2v" || model_type == "flf2v" ? 1280 : 0;
  if (model_type == "flf2v") config.image_positions = 2 * 257;
  take(from, "image_dim", config.image_dim);
  take(from, "image_positions", config.image_positions);
  std::string class_name;
  take(from, "_class_name", class_name);
  const bool has_branch = class_name == kControlClass || from.contains("action_layers");
  if (class_name == kActionClass || has_branch) config.action_dim = kActionDim;
  if (!has_branch) return;
  take(from, "action_layers", config.action_layers);
  if (config.action_layers.empty()) {  // Null in the released config: every other layer.
    int64_t num_layers = config.num_layers;
    take(from, "num_layers", num_layers);
    for (int64_t i = 0; i < std::min(num_layers, kMostLayers); i += 2) {
      config.action_layers.push_back(i);
    }
  }
}

/// Patches of one frame and 2x2 cells, normed queries and keys, an affine norm before the context:
/// the original never writes these fields, diffusers does.
void check_fixed_fields(const json& from, const std::string& source) {
  const std::vector<int64_t> patch = {1, 2, 2};
  const bool has_patch = from.contains("patch_size") && !from["patch_size"].is_null();
  if (has_patch && from["patch_size"].get<std::vector<int64_t>>() != patch) {
    throw Error(ErrorCode::kConfig, "transformer: '" + source + "': patch_size must be [1, 2, 2]");
  }
  for (const char* name : {"cross_attn_norm", "qk_norm"}) {
    if (from.contains(name) && from[name] == false) {
      throw Error(ErrorCode::kConfig, "transformer: '" + source + "': " + name + " must be true");
    }
  }
}

/// Calls `field(name, member)` for what has one name in both namings.
template <class Config, class Field>
void visit_shared(Config& config, const Field& field) {
  field("ffn_dim", config.ffn_dim);
  field("num_layers", config.num_layers);
  field("freq_dim", config.freq_dim);
  field("text_dim", config.text_dim);
  field("text_len", config.text_len);
  field("eps", config.eps);
  field("action_dim", config.action_dim);
  field("mouse_dim", config.mouse_dim);
  field("keyboard_dim", config.keyboard_dim);
  field("action_window_size", config.action_window_size);
  field("action_temporal_ratio", config.action_temporal_ratio);
  field("action_relative_positions", config.action_relative_positions);
  field("is_causal", config.is_causal);
  field("window_frames", config.window_frames);
  field("sink_frames", config.sink_frames);
  field("chunk_frames", config.chunk_frames);
}

}  // namespace

WanConfig WanConfig::read(const std::filesystem::path& config_json) {
  WanConfig config;
  io::read_json(config_json, "transformer", [&](const nlohmann::json& from) {
    if (from.contains("num_attention_heads") || from.contains("attention_head_dim")) {
      read_diffusers(from, config);
    } else {
      read_original(from, config);
    }
    visit_shared(config, [&](const char* name, auto& value) { take(from, name, value); });
    check_fixed_fields(from, config_json.string());
  });
  config.check(config_json.string());
  return config;
}

void WanConfig::write(const std::filesystem::path& config_json) const {
  json to;
  if (naming == Naming::kDiffusers) {
    to = {{"_class_name", "WanTransformer3DModel"},
          {"patch_size", {1, 2, 2}},
          {"num_attention_heads", num_heads},
          {"attention_head_dim", head_dim()},
          {"in_channels", in_dim},
          {"out_channels", out_dim},
          {"cross_attn_norm", true},
          {"qk_norm", "rms_norm_across_heads"},
          {"rope_max_seq_len", 1024},
          {"image_dim", image_dim > 0 ? json(image_dim) : json(nullptr)},
          {"pos_embed_seq_len", image_positions > 0 ? json(image_positions) : json(nullptr)},
          {"added_kv_proj_dim", image_dim > 0 ? json(dim) : json(nullptr)}};
  } else {
    const char* class_name = has_control_branch() ? kControlClass
                             : has_actions()      ? kActionClass
                                                  : "WanModel";
    to = {{"_class_name", class_name},
          {"model_type", image_positions > 0 ? "flf2v"
                         : image_dim > 0     ? "i2v"
                                             : "t2v"},
          {"dim", dim},
          {"num_heads", num_heads},
          {"in_dim", in_dim},
          {"out_dim", out_dim},
          {"image_dim", image_dim},
          {"image_positions", image_positions}};
    if (has_control_branch()) to["action_layers"] = action_layers;
  }
  visit_shared(*this, [&](const char* name, const auto& value) { to[name] = value; });
  io::write_file(config_json, to.dump(2) + "\n");
}

void WanConfig::check(const std::string& source) const {
  const auto require = [&](bool holds, const std::string& what) {
    if (!holds) throw Error(ErrorCode::kConfig, "transformer: '" + source + "': " + what);
  };
  for (const int64_t size :
       {dim, ffn_dim, num_heads, num_layers, in_dim, out_dim, freq_dim, text_dim, text_len}) {
    require(size > 0 && size <= 1 << 20, concat_message("a size of ", size, " is out of range"));
  }
  require(num_layers <= kMostLayers, concat_message(num_layers, " layers are too many"));
  require(dim % num_heads == 0 && head_dim() % 2 == 0 && head_dim() >= 6,
          concat_message("dim ", dim, " is not ", num_heads, " heads of even size"));
  require(
      action_dim >= 0 && action_dim % 2 == 0 && action_window_size > 0 && action_temporal_ratio > 0,
      "action sizes are out of range");
  require(image_dim >= 0 && image_dim <= 1 << 20 && image_positions >= 0 &&
              image_positions <= 1 << 20 && (image_positions == 0 || image_dim > 0),
          "sizes of the image context are out of range");
  const bool ascends = std::adjacent_find(action_layers.begin(), action_layers.end(),
                                          std::greater_equal<>()) == action_layers.end();
  require(action_layers.empty() || (has_actions() && ascends && action_layers.front() == 0 &&
                                    action_layers.back() < num_layers && !is_causal),
          concat_message("action_layers must ascend from 0 to at most ", num_layers - 1,
                         ", in a model with actions that is not causal"));
  require(window_frames >= 0 && sink_frames >= 0 && chunk_frames > 0 &&
              (window_frames == 0 || window_frames >= sink_frames + chunk_frames),
          concat_message("window_frames ", window_frames, " must be 0 or hold sink_frames ",
                         sink_frames, " and chunk_frames ", chunk_frames));
}

}  // namespace mw::wan
