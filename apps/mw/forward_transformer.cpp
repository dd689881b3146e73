// SPDX-License-Identifier: Apache-2.0
#include "apps/mw/forward_parts.h"
#include "mw/core/error.h"
#include "mw/models/wan/load_transformer.h"

namespace mw::app {

nn::TensorMap forward_transformer(const ForwardRequest& request) {
  const std::filesystem::path weights = request.network("transformer");
  const at::Tensor& latents = request.input("hidden_states");
  const at::Tensor& timestep = request.input("timestep");
  const at::Tensor& text = request.input("encoder_hidden_states");
  const at::Tensor image = request.optional_input("encoder_hidden_states_image");
  const at::Tensor keyboard = request.optional_input("keyboard");
  const at::Tensor mouse = request.optional_input("mouse");
  MW_CHECK(
      latents.dim() == 5 && text.dim() == 3,
      "forward: wanted hidden_states [B, C, F, H, W] and encoder_hidden_states [B, S, D], got ",
      latents.sizes(), " and ", text.sizes());
  MW_CHECK(keyboard.defined() == mouse.defined(), "forward: keyboard and mouse come together, '",
           request.inputs_name, "' has only one");

  const bool is_folder = std::filesystem::is_directory(weights);
  wan::WanConfig config =
      wan::WanConfig::read((is_folder ? weights : weights.parent_path()) / "config.json");
  // The original fills the text up with zero rows itself; diffusers takes it as it is given.
  if (config.naming == wan::Naming::kDiffusers) config.text_len = text.size(1);
  const wan::Transformer model = wan::load_transformer(weights, config, request.dtype);
  const wan::Context context = model.context(text, image);
  const at::Tensor actions =
      keyboard.defined() ? model.action_features(keyboard, mouse, latents.size(2)) : at::Tensor();
  // diffusers gives one timestep for each token, equal within a latent frame.
  const bool is_per_token = timestep.dim() == 2 && timestep.size(1) != latents.size(2) &&
                            timestep.size(1) % latents.size(2) == 0;
  const at::Tensor per_frame =
      is_per_token ? timestep.unflatten(1, {latents.size(2), -1}).select(2, 0) : timestep;
  return {{"sample", model.forward(latents.to(at::kFloat), per_frame, context, actions)}};
}

}  // namespace mw::app
