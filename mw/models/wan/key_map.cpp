// SPDX-License-Identifier: Apache-2.0
#include "mw/models/wan/key_map.h"

#include <span>
#include <string_view>

namespace mw::wan {
namespace {

struct Pair {
  std::string_view original;
  std::string_view diffusers;
};

// Modules or parameters: an entry stands for its own name and for everything after its dot.
constexpr Pair kModel[] = {
    {"text_embedding.0", "condition_embedder.text_embedder.linear_1"},
    {"text_embedding.2", "condition_embedder.text_embedder.linear_2"},
    {"time_embedding.0", "condition_embedder.time_embedder.linear_1"},
    {"time_embedding.2", "condition_embedder.time_embedder.linear_2"},
    {"time_projection.1", "condition_embedder.time_proj"},
    {"img_emb.proj.0", "condition_embedder.image_embedder.norm1"},
    {"img_emb.proj.1", "condition_embedder.image_embedder.ff.net.0.proj"},
    {"img_emb.proj.3", "condition_embedder.image_embedder.ff.net.2"},
    {"img_emb.proj.4", "condition_embedder.image_embedder.norm2"},
    {"img_emb.emb_pos", "condition_embedder.image_embedder.pos_embed"},
    {"head.head", "proj_out"},
    {"head.modulation", "scale_shift_table"},
};

// Under `blocks.<i>.` in both namings. The second and third norm change places.
constexpr Pair kBlock[] = {
    {"modulation", "scale_shift_table"},
    {"norm2", "norm3"},
    {"norm3", "norm2"},
    {"self_attn.q", "attn1.to_q"},
    {"self_attn.k", "attn1.to_k"},
    {"self_attn.v", "attn1.to_v"},
    {"self_attn.o", "attn1.to_out.0"},
    {"self_attn.norm_q", "attn1.norm_q"},
    {"self_attn.norm_k", "attn1.norm_k"},
    {"cross_attn.q", "attn2.to_q"},
    {"cross_attn.k", "attn2.to_k"},
    {"cross_attn.v", "attn2.to_v"},
    {"cross_attn.o", "attn2.to_out.0"},
    {"cross_attn.norm_q", "attn2.norm_q"},
    {"cross_attn.norm_k", "attn2.norm_k"},
    {"cross_attn.k_img", "attn2.add_k_proj"},
    {"cross_attn.v_img", "attn2.add_v_proj"},
    {"cross_attn.norm_k_img", "attn2.norm_added_k"},
    {"ffn.0", "ffn.net.0.proj"},
    {"ffn.2", "ffn.net.2"},
};

using Side = std::string_view Pair::*;

std::string renamed(std::string_view name, std::span<const Pair> table, Side from, Side to) {
  for (const Pair& pair : table) {
    const std::string_view known = pair.*from;
    if (name == known || (name.starts_with(known) && name[known.size()] == '.')) {
      return std::string(pair.*to) + std::string(name.substr(known.size()));
    }
  }
  return std::string(name);
}

std::string renamed(std::string_view name, Side from, Side to) {
  constexpr std::string_view kPrefix = "blocks.";
  const size_t dot = name.find('.', kPrefix.size());
  if (!name.starts_with(kPrefix) || dot == std::string_view::npos) {
    return renamed(name, kModel, from, to);
  }
  const size_t rest = dot + 1;
  return std::string(name.substr(0, rest)) + renamed(name.substr(rest), kBlock, from, to);
}

}  // namespace

std::string original_name(const std::string& diffusers_name) {
  return renamed(diffusers_name, &Pair::diffusers, &Pair::original);
}

std::string diffusers_name(const std::string& original_name) {
  return renamed(original_name, &Pair::original, &Pair::diffusers);
}

}  // namespace mw::wan
