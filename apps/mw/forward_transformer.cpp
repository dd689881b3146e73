// SPDX-License-Identifier: Apache-2.0
#include "apps/mw/forward_parts.h"
#include "mw/core/error.h"
#include "mw/models/wan/load_transformer.h"

namespace mw::app {

nn::TensorMap forward_transformer(const ForwardRequest& request) {
  const std::filesystem::path folder = request.network_folder("transformer");
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

  wan::WanConfig config = wan::WanConfig::read(folder / "config.json");
  // The original fills the text up with zero rows itself; diffusers takes it as it is given.
  if (config.naming == wan::Naming::kDiffusers) config.text_len = text.size(1);
  const wan::Transformer model = wan::load_transformer(folder, config, request.dtype);
  const wan::Context context = model.context(text, image);
  const at::Tensor actions =
      keyboard.defined() ? model.action_features(keyboard, mouse, latents.size(2)) : at::Tensor();
  return {{"sample", model.forward(latents.to(at::kFloat), timestep, context, actions)}};
}

}  // namespace mw::app
