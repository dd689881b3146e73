// SPDX-License-Identifier: Apache-2.0
#include "mw/models/wan/config.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "mw/core/error.h"
#include "mw/io/atomic_file.h"

namespace mw::wan {
namespace {

using nlohmann::json;

template <class Value>
void take(const json& from, const char* name, Value& value) {
  if (from.contains(name) && !from[name].is_null()) value = from[name].get<Value>();
}

void read_diffusers(const json& from, WanConfig& config) {
  int64_t head_dim = 128;
  take(from, "num_attention_heads", config.num_heads);
  take(from, "attention_head_dim", head_dim);
  config.dim = config.num_heads * head_dim;
  take(from, "in_channels", config.in_dim);
  take(from, "out_channels", config.out_dim);
  take(from, "image_dim", config.image_dim);
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
  std::string type = "t2v";
  take(from, "model_type", type);
  config.image_dim = type == "i2v" ? 1280 : 0;
  take(from, "image_dim", config.image_dim);
}

}  // namespace

WanConfig WanConfig::read(const std::filesystem::path& config_json) {
  std::ifstream in(config_json);
  if (!in) throw Error(ErrorCode::kIo, "transformer: can't read '" + config_json.string() + "'");
  WanConfig config;
  try {
    const json from = json::parse(in);
    from.contains("num_attention_heads") ? read_diffusers(from, config)
                                         : read_original(from, config);
    take(from, "ffn_dim", config.ffn_dim);
    take(from, "num_layers", config.num_layers);
    take(from, "freq_dim", config.freq_dim);
    take(from, "text_dim", config.text_dim);
    take(from, "text_len", config.text_len);
    take(from, "eps", config.eps);
    take(from, "action_dim", config.action_dim);
    take(from, "mouse_dim", config.mouse_dim);
    take(from, "keyboard_dim", config.keyboard_dim);
    take(from, "action_window_size", config.action_window_size);
    take(from, "action_temporal_ratio", config.action_temporal_ratio);
    take(from, "action_relative_positions", config.action_relative_positions);
    take(from, "is_causal", config.is_causal);
    take(from, "window_frames", config.window_frames);
    take(from, "sink_frames", config.sink_frames);
  } catch (const json::exception& error) {
    throw Error(ErrorCode::kFormat, "transformer: '" + config_json.string() + "': " + error.what());
  }
  config.check(config_json.string());
  return config;
}

void WanConfig::write(const std::filesystem::path& config_json) const {
  const json to = {{"_class_name", has_actions() ? "WanActionAdaLNModel" : "WanModel"},
                   {"model_type", image_dim > 0 ? "i2v" : "t2v"},
                   {"dim", dim},
                   {"ffn_dim", ffn_dim},
                   {"num_heads", num_heads},
                   {"num_layers", num_layers},
                   {"in_dim", in_dim},
                   {"out_dim", out_dim},
                   {"freq_dim", freq_dim},
                   {"text_dim", text_dim},
                   {"text_len", text_len},
                   {"image_dim", image_dim},
                   {"eps", eps},
                   {"action_dim", action_dim},
                   {"mouse_dim", mouse_dim},
                   {"keyboard_dim", keyboard_dim},
                   {"action_window_size", action_window_size},
                   {"action_temporal_ratio", action_temporal_ratio},
                   {"action_relative_positions", action_relative_positions},
                   {"is_causal", is_causal},
                   {"window_frames", window_frames},
                   {"sink_frames", sink_frames}};
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
  require(dim % num_heads == 0 && head_dim() % 2 == 0 && head_dim() >= 6,
          concat_message("dim ", dim, " is not ", num_heads, " heads of even size"));
  require(
      action_dim >= 0 && action_dim % 2 == 0 && action_window_size > 0 && action_temporal_ratio > 0,
      "action sizes are out of range");
  require(
      window_frames >= 0 && sink_frames >= 0 && (window_frames == 0 || sink_frames < window_frames),
      concat_message("window_frames ", window_frames, " must exceed sink_frames ", sink_frames));
}

}  // namespace mw::wan
