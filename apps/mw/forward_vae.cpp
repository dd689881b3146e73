// SPDX-License-Identifier: Apache-2.0
#include "apps/mw/forward_parts.h"
#include "mw/models/vae/wan_vae.h"

namespace mw::app {

nn::TensorMap forward_vae_encode(const ForwardRequest& request) {
  const at::Tensor& video = request.input("video");
  const vae::WanVAE vae = vae::WanVAE::load(request.network("vae"), request.dtype);
  const at::Tensor moments = vae.moments(video);
  return {{"latents", vae.normalize(moments.narrow(1, 0, vae.config().z_dim))},
          {"moments", moments}};
}

nn::TensorMap forward_vae_decode(const ForwardRequest& request) {
  const at::Tensor& latents = request.input("latents");
  const vae::WanVAE vae = vae::WanVAE::load(request.network("vae"), request.dtype);
  return {{"video", vae.decode(latents)}};
}

}  // namespace mw::app
