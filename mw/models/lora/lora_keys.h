// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mw::lora {

/// What one tensor of a LoRA file is to its module.
enum class Role {
  kDown,              ///< A, [rank, in]: `lora_down.weight`, `lora_A.weight`.
  kUp,                ///< B, [out, rank]: `lora_up.weight`, `lora_B.weight`.
  kUpBias,            ///< Added to the bias with the adapter's scale: `lora_B.bias`.
  kAlpha,             ///< Scalar: the adapter's scale is alpha / rank.
  kWeightDifference,  ///< Added to the weight as it is: `diff`.
  kBiasDifference,    ///< Added to the bias as it is: `diff_b`.
  kModulation,        ///< Added to the block's modulation table: `diff_m`.
};

struct Key {
  std::string module;  ///< Path of a layer ("blocks.0.self_attn.q") in the original's naming.
  Role role = Role::kDown;
};

/// Whether a key is of a text encoder's adapter, which no pipeline of Wan applies.
bool is_of_text_encoder(std::string_view key);

/// Whether a key can only be of a file in diffusers' naming: the two can't be told apart by the
/// names of norms alone.
bool is_diffusers_key(std::string_view key);

/// Module and role of a key in any of the styles that LoRA files of Wan come in; nothing when it is
/// of none. `is_diffusers`: of the file, for dotted module paths.
///
/// Dotted paths, in either naming, after `transformer.`, `diffusion_model.`,
/// `model.diffusion_model.`, `base_model.model.` or `pipe.dit.`: peft, diffusers, ComfyUI,
/// DiffSynth. Underscored ones after `lora_unet_` (kohya, musubi-tuner), `lora_unet__` (VideoX-Fun,
/// Micro-World) or `lycoris_` (whose names mix both namings).
std::optional<Key> parse_key(std::string_view key, bool is_diffusers);

}  // namespace mw::lora
