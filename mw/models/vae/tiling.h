// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace mw::vae {

/// Overlapping tiles in which large pictures pass through an autoencoder, so that memory follows
/// the tile and not the picture. In pixels, with diffusers' defaults.
struct Tiling {
  int64_t tile_height = 256, tile_width = 256;
  int64_t stride_height = 192, stride_width = 192;  ///< From one tile's corner to the next one's.
};

/// Sizes of tiles on one side of a network, in its cells, and what of them is new.
struct TileSizes {
  int64_t height = 0, width = 0;
  int64_t stride_height = 0, stride_width = 0;
};

/// `run` on every tile of x, [..., H, W], and the results put together: where two overlap, one
/// fades into the other, first downwards, then to the right. `out`: sizes of the results. Two rows
/// of results exist at a time. Source: `tiled_decode` of diffusers' AutoencoderKLWan.
at::Tensor run_in_tiles(const at::Tensor& x, const TileSizes& in, const TileSizes& out,
                        const std::function<at::Tensor(const at::Tensor&)>& run);

}  // namespace mw::vae
