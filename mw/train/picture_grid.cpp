// SPDX-License-Identifier: Apache-2.0
#include "mw/train/picture_grid.h"

#include "mw/core/error.h"
#include "mw/video/image_file.h"

namespace mw::train {

void write_picture(const at::Tensor& pixels, const std::filesystem::path& file) {
  MW_CHECK(pixels.dim() == 3 && pixels.size(0) == 3, "write_picture: wanted [3, H, W], got ",
           pixels.sizes());
  const at::Tensor bytes = pixels.detach()
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
  video::write_png(file, image);
}

}  // namespace mw::train
