// SPDX-License-Identifier: Apache-2.0
#include "mw/models/vae/pixels.h"

#include <ATen/ops/from_blob.h>

#include "mw/core/error.h"

namespace mw::vae {

at::Tensor to_pixels(const at::Tensor& bytes) { return bytes.to(at::kFloat).div(127.5).sub(1); }

at::Tensor to_pixels(const video::Image& image) {
  video::check_image(image, "pixels");
  return to_pixels(at::from_blob(const_cast<uint8_t*>(image.rgb.data()),
                                 {1, image.height, image.width, 3}, at::TensorOptions(at::kByte))
                       .permute({0, 3, 1, 2}))
      .contiguous();
}

video::Image to_image(const at::Tensor& pixels) {
  MW_CHECK(pixels.dim() == 4 && pixels.size(0) == 1 && pixels.size(1) == 3,
           "pixels: wanted [1, 3, H, W], got ", pixels.sizes());
  const at::Tensor bytes = pixels[0]
                               .detach()
                               .to(at::kFloat)
                               .clamp(-1, 1)
                               .add(1)
                               .mul(127.5)
                               .round()
                               .to(at::kByte)
                               .permute({1, 2, 0})
                               .contiguous();  // [H, W, 3]
  video::Image image =
      video::make_image(static_cast<int>(bytes.size(1)), static_cast<int>(bytes.size(0)));
  const auto* data = bytes.const_data_ptr<uint8_t>();
  image.rgb.assign(data, data + bytes.numel());
  return image;
}

}  // namespace mw::vae
