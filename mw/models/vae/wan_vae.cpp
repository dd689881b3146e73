// SPDX-License-Identifier: Apache-2.0
#include "mw/models/vae/wan_vae.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "mw/core/error.h"
#include "mw/models/vae/wan_vae_key_map.h"

namespace mw::vae {
namespace {

constexpr int64_t kFrames = 2;  // The axis of frames.

at::Tensor per_channel(const std::vector<double>& values) {
  return at::tensor(at::ArrayRef<double>(values), at::kDouble).view({1, -1, 1, 1, 1});
}

nn::Conv3dConfig pointwise(int64_t channels_in, int64_t channels_out) {
  return {.in = channels_in, .out = channels_out, .kernel = {1, 1, 1}};
}

}  // namespace

WanVAE::WanVAE(const WanVAEConfig& config, const nn::WeightScope& weights)
    : config_(config),
      encoder_(config, weights / "encoder"),
      conv1_(weights / "conv1", pointwise(2 * config.z_dim, 2 * config.z_dim)),
      conv2_(weights / "conv2", pointwise(config.z_dim, config.z_dim)),
      decoder_(config, weights / "decoder"),
      mean_(per_channel(config.latents_mean).to(at::kFloat)),
      inverse_std_(per_channel(config.latents_std).reciprocal().to(at::kFloat)),
      dtype_(weights.tensor("conv2.bias", {config.z_dim}, nn::Init::zeros()).scalar_type()) {}

WanVAE WanVAE::load(const std::filesystem::path& path, at::ScalarType dtype) {
  const WanVAEConfig config = std::filesystem::is_directory(path)
                                  ? WanVAEConfig::read(path / "config.json")
                                  : wan_vae_config_of(nn::read_tensors(path), path.string());
  nn::ParameterStore store = load_wan_vae_weights(path, config, dtype);
  return nn::build_strictly<WanVAE>(config, store, path.string());
}

void WanVAE::check_video(const at::Tensor& video) const {
  const int64_t stride = config_.spatial_stride();
  MW_CHECK(video.dim() == 5 && video.size(1) == 3 && video.size(kFrames) > 0,
           "vae: video must be [B, 3, F, H, W], got ", video.sizes());
  MW_CHECK(video.size(3) % stride == 0 && video.size(4) % stride == 0, "vae: frames of ",
           video.size(4), "x", video.size(3),
           " pixels can't be encoded: both must be multiples of ", stride);
}

void WanVAE::check_latents(const at::Tensor& latents) const {
  MW_CHECK(latents.dim() == 5 && latents.size(1) == config_.z_dim && latents.size(kFrames) > 0,
           "vae: latents must be [B, ", config_.z_dim, ", T, h, w], got ", latents.sizes());
}

void WanVAE::check_tiling(const Tiling& tiling) const {
  const int64_t stride = config_.spatial_stride();
  for (const auto& [tile, step] : {std::pair(tiling.tile_height, tiling.stride_height),
                                   std::pair(tiling.tile_width, tiling.stride_width)}) {
    MW_CHECK(tile % stride == 0 && step % stride == 0 && step > 0 && tile >= step, "vae: tiles of ",
             tile, " pixels every ", step, " can't be used: both must be multiples of ", stride,
             " and the tiles must meet");
  }
}

at::Tensor WanVAE::moments_chunk(const at::Tensor& patches, StreamCache& cache) const {
  cache.rewind();
  return conv1_.forward(encoder_.forward(patches.to(dtype_), cache));
}

at::Tensor WanVAE::moments_of(const at::Tensor& patches, int64_t latents_per_chunk) const {
  const int64_t group = config_.temporal_stride();
  const int64_t latents = (patches.size(kFrames) - 1) / group + 1;
  const int64_t step = latents_per_chunk > 0 ? latents_per_chunk : latents;
  StreamCache cache;
  std::vector<at::Tensor> chunks;
  for (int64_t first = 0; first < latents; first += step) {
    const int64_t end = std::min(first + step, latents);
    const int64_t begin_frame = first == 0 ? 0 : 1 + (first - 1) * group;
    const int64_t end_frame = 1 + (end - 1) * group;
    chunks.push_back(
        moments_chunk(patches.narrow(kFrames, begin_frame, end_frame - begin_frame), cache));
  }
  return at::cat(chunks, kFrames);
}

at::Tensor WanVAE::moments(const at::Tensor& video, int64_t latents_per_chunk) const {
  check_video(video);
  return moments_of(patchify(video, config_.patch_size), latents_per_chunk);
}

at::Tensor WanVAE::moments_in_tiles(const at::Tensor& video, const Tiling& tiling) const {
  check_video(video);
  check_tiling(tiling);
  const bool is_large = video.size(3) > tiling.tile_height || video.size(4) > tiling.tile_width;
  if (!is_large) return moments(video);
  const int64_t stride = config_.spatial_stride() / config_.patch_size;
  return run_in_tiles(
      patchify(video, config_.patch_size),
      {tiling.tile_height, tiling.tile_width, tiling.stride_height, tiling.stride_width},
      {tiling.tile_height / stride, tiling.tile_width / stride, tiling.stride_height / stride,
       tiling.stride_width / stride},
      [&](const at::Tensor& tile) { return moments_of(tile, 1); });
}

at::Tensor WanVAE::encode(const at::Tensor& video, int64_t latents_per_chunk) const {
  return normalize(moments(video, latents_per_chunk).narrow(1, 0, config_.z_dim));
}

at::Tensor WanVAE::encode_chunk(const at::Tensor& frames, StreamCache& cache) const {
  const int64_t group = config_.temporal_stride();
  const int64_t wanted = cache.has_started() ? 0 : 1;
  check_video(frames);
  MW_CHECK(frames.size(kFrames) > 0 && frames.size(kFrames) % group == wanted % group,
           "vae: a chunk of ", frames.size(kFrames),
           " frames can't be encoded: wanted a multiple of ", group,
           wanted == 1 ? " and 1, as it is the first" : "");
  return normalize(
      moments_chunk(patchify(frames, config_.patch_size), cache).narrow(1, 0, config_.z_dim));
}

at::Tensor WanVAE::frames_chunk(const at::Tensor& raw, StreamCache& cache) const {
  cache.rewind();
  return decoder_.forward(conv2_.forward(raw), cache);
}

at::Tensor WanVAE::frames_of(const at::Tensor& raw, int64_t latents_per_chunk) const {
  const int64_t latents = raw.size(kFrames);
  const int64_t step = latents_per_chunk > 0 ? latents_per_chunk : latents;
  StreamCache cache;
  std::vector<at::Tensor> chunks;
  for (int64_t first = 0; first < latents; first += step) {
    chunks.push_back(
        frames_chunk(raw.narrow(kFrames, first, std::min(step, latents - first)), cache));
  }
  return at::cat(chunks, kFrames);
}

at::Tensor WanVAE::decode_chunk(const at::Tensor& latents, StreamCache& cache) const {
  check_latents(latents);
  return unpatchify(frames_chunk(denormalize(latents), cache), config_.patch_size).clamp(-1, 1);
}

at::Tensor WanVAE::decode(const at::Tensor& latents, int64_t latents_per_chunk) const {
  check_latents(latents);
  return unpatchify(frames_of(denormalize(latents), latents_per_chunk), config_.patch_size)
      .clamp(-1, 1);
}

at::Tensor WanVAE::decode_in_tiles(const at::Tensor& latents, const Tiling& tiling) const {
  check_latents(latents);
  check_tiling(tiling);
  const int64_t stride = config_.spatial_stride(), patch = config_.patch_size;
  const TileSizes in{tiling.tile_height / stride, tiling.tile_width / stride,
                     tiling.stride_height / stride, tiling.stride_width / stride};
  if (latents.size(3) <= in.height && latents.size(4) <= in.width) return decode(latents);
  const at::Tensor patches =
      run_in_tiles(denormalize(latents), in,
                   {tiling.tile_height / patch, tiling.tile_width / patch,
                    tiling.stride_height / patch, tiling.stride_width / patch},
                   [&](const at::Tensor& tile) { return frames_of(tile, 1); });
  return unpatchify(patches, patch).clamp(-1, 1);
}

at::Tensor WanVAE::normalize(const at::Tensor& raw) const {
  const at::Tensor mean = mean_.to(raw.device());
  return raw.to(at::kFloat).sub(mean).mul(inverse_std_.to(raw.device())).to(dtype_);
}

at::Tensor WanVAE::denormalize(const at::Tensor& latents) const {
  const at::Tensor mean = mean_.to(latents.device());
  return latents.to(at::kFloat).div(inverse_std_.to(latents.device())).add(mean).to(dtype_);
}

}  // namespace mw::vae
