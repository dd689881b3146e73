// SPDX-License-Identifier: Apache-2.0
#include "mw/models/lora/lora_keys.h"

#include <array>
#include <span>
#include <utility>

#include "mw/models/wan/key_map.h"

namespace mw::lora {
namespace {

using std::string_view;

struct Suffix {
  string_view text;
  Role role;
};

constexpr std::array<Suffix, 15> kSuffixes = {{
    {".lora_down.weight", Role::kDown},
    {".lora_up.weight", Role::kUp},
    {".lora_A.weight", Role::kDown},
    {".lora_B.weight", Role::kUp},
    {".lora_A.default.weight", Role::kDown},
    {".lora_B.default.weight", Role::kUp},
    {".lora_B.bias", Role::kUpBias},
    {".lora_B.default.bias", Role::kUpBias},
    {".lora.down.weight", Role::kDown},
    {".lora.up.weight", Role::kUp},
    {".alpha", Role::kAlpha},
    {".modulation.diff", Role::kModulation},
    {".diff_m", Role::kModulation},
    {".diff", Role::kWeightDifference},
    {".diff_b", Role::kBiasDifference},
}};

// The longest of those that begin alike first.
constexpr string_view kDottedPrefixes[] = {"base_model.model.", "model.diffusion_model.",
                                           "diffusion_model.", "transformer.", "pipe.dit."};
constexpr string_view kUnderscoredPrefixes[] = {"lora_unet__", "lora_unet_", "lycoris_"};
constexpr string_view kTextEncoderPrefixes[] = {"lora_te_", "lora_te1_", "text_encoder."};

/// An underscored path and the module it means.
struct Module {
  string_view underscored;
  string_view path;
};

constexpr Module kModelModules[] = {
    {"text_embedding_0", "text_embedding.0"},
    {"text_embedding_2", "text_embedding.2"},
    {"time_embedding_0", "time_embedding.0"},
    {"time_embedding_2", "time_embedding.2"},
    {"time_projection_1", "time_projection.1"},
    {"head_head", "head.head"},
    {"proj_out", "head.head"},
    {"img_emb_proj_0", "img_emb.proj.0"},
    {"img_emb_proj_1", "img_emb.proj.1"},
    {"img_emb_proj_3", "img_emb.proj.3"},
    {"img_emb_proj_4", "img_emb.proj.4"},
    {"patch_embedding", "patch_embedding"},
    {"condition_embedder_text_embedder_linear_1", "text_embedding.0"},
    {"condition_embedder_text_embedder_linear_2", "text_embedding.2"},
    {"condition_embedder_time_embedder_linear_1", "time_embedding.0"},
    {"condition_embedder_time_embedder_linear_2", "time_embedding.2"},
    {"condition_embedder_time_proj", "time_projection.1"},
    {"condition_embedder_image_embedder_ff_net_0_proj", "img_emb.proj.1"},
    {"condition_embedder_image_embedder_ff_net_2", "img_emb.proj.3"},
};

/// Behind `blocks_<i>_`. Norms have no underscored form here: which of two is meant depends on a
/// naming that such keys don't show.
constexpr Module kFeedForward[] = {
    {"ffn_0", "ffn.0"},
    {"ffn_2", "ffn.2"},
    {"ffn_net_0_proj", "ffn.0"},
    {"ffn_net_2", "ffn.2"},
    {"action_adaLN_modulation_1", "action_adaLN_modulation.1"},
    {"before_proj", "before_proj"},
    {"after_proj", "after_proj"},
};

/// Behind the attention's own name.
constexpr Module kProjections[] = {
    {"q", "q"},
    {"k", "k"},
    {"v", "v"},
    {"o", "o"},
    {"k_img", "k_img"},
    {"v_img", "v_img"},
    {"to_q", "q"},
    {"to_k", "k"},
    {"to_v", "v"},
    {"to_out_0", "o"},
    {"add_k_proj", "k_img"},
    {"add_v_proj", "v_img"},
    {"to_k_img", "k_img"},
    {"to_v_img", "v_img"},
};

constexpr Module kAttentions[] = {
    {"self_attn_", "self_attn."},
    {"cross_attn_", "cross_attn."},
    {"attn1_", "self_attn."},
    {"attn2_", "cross_attn."},
};

std::optional<string_view> find(std::span<const Module> table, string_view underscored) {
  for (const Module& module : table) {
    if (module.underscored == underscored) return module.path;
  }
  return std::nullopt;
}

/// Removes the first of these prefixes that `text` has.
bool strip_one_of(string_view& text, std::span<const string_view> prefixes) {
  for (const string_view prefix : prefixes) {
    if (!text.starts_with(prefix)) continue;
    text.remove_prefix(prefix.size());
    return true;
  }
  return false;
}

std::optional<std::string> block_module(string_view rest) {
  if (const auto path = find(kFeedForward, rest)) return std::string(*path);
  for (const Module& attention : kAttentions) {
    if (!rest.starts_with(attention.underscored)) continue;
    const auto projection = find(kProjections, rest.substr(attention.underscored.size()));
    if (projection) return std::string(attention.path) + std::string(*projection);
  }
  return std::nullopt;
}

std::optional<std::string> underscored_module(string_view text) {
  if (const auto path = find(kModelModules, text)) return std::string(*path);
  for (const Module& blocks :
       {Module{"blocks_", "blocks."}, Module{"action_blocks_", "action_blocks."}}) {
    if (!text.starts_with(blocks.underscored)) continue;
    const string_view rest = text.substr(blocks.underscored.size());
    const size_t digits = rest.find_first_not_of("0123456789");
    if (digits == 0 || digits == string_view::npos || rest[digits] != '_') continue;
    const auto inner = block_module(rest.substr(digits + 1));
    if (inner) return std::string(blocks.path) + std::string(rest.substr(0, digits)) + "." + *inner;
  }
  return std::nullopt;
}

/// The original's path of a dotted one.
std::string dotted_module(string_view path, bool is_diffusers) {
  return is_diffusers ? wan::original_name(std::string(path)) : std::string(path);
}

}  // namespace

bool is_of_text_encoder(string_view key) { return strip_one_of(key, kTextEncoderPrefixes); }

bool is_diffusers_key(string_view key) {
  for (const char* part : {".attn1.", ".attn2.", "condition_embedder.", ".ffn.net.", "proj_out.",
                           "scale_shift_table"}) {
    if (key.find(part) != string_view::npos) return true;
  }
  return false;
}

std::optional<Key> parse_key(string_view key, bool is_diffusers) {
  std::optional<Role> role;
  for (const Suffix& suffix : kSuffixes) {
    if (!key.ends_with(suffix.text)) continue;
    role = suffix.role;
    key.remove_suffix(suffix.text.size());
    break;
  }
  if (!role || key.empty()) return std::nullopt;
  if (strip_one_of(key, kUnderscoredPrefixes)) {
    auto module = underscored_module(key);
    if (!module) return std::nullopt;
    return Key{.module = std::move(*module), .role = *role};
  }
  while (strip_one_of(key, kDottedPrefixes)) {
  }
  if (key.empty()) return std::nullopt;
  return Key{.module = dotted_module(key, is_diffusers), .role = *role};
}

}  // namespace mw::lora
