// SPDX-License-Identifier: Apache-2.0
#include "apps/mw/forward_parts.h"
#include "mw/models/clip/vision_encoder.h"

namespace mw::app {

nn::TensorMap forward_image(const ForwardRequest& request) {
  const at::Tensor& pixels = request.input("pixel_values");
  const clip::VisionEncoder encoder =
      clip::load_vision_encoder(request.network("image_encoder"), request.dtype);
  return {{"hidden_states", encoder.forward(pixels)}};
}

}  // namespace mw::app
