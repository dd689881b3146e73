// SPDX-License-Identifier: Apache-2.0
#include "mw/train/encoded_clip.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <vector>

#include "mw/core/error.h"
#include "mw/models/vae/pixels.h"
#include "mw/nn/tensor_file.h"

namespace mw::train {
namespace {

// Frames that pass the autoencoder together: enough for its kernels, small enough for caches.
constexpr int64_t kBatch = 9;

at::Tensor rows_tensor(std::vector<float> values, int64_t columns) {
  return at::from_blob(values.data(), {static_cast<int64_t>(values.size()) / columns, columns},
                       at::TensorOptions(at::kFloat))
      .clone();
}

/// [F, 3, H, W] in [-1, 1], of the autoencoder's dtype.
at::Tensor pixels_of(const data::Frames& frames, at::ScalarType dtype) {
  const at::Tensor bytes = at::from_blob(const_cast<uint8_t*>(frames.rgb.data()),
                                         {frames.num_frames, frames.height, frames.width, 3},
                                         at::TensorOptions(at::kByte));
  return vae::to_pixels(bytes.permute({0, 3, 1, 2})).to(dtype);
}

prior::View views_at(const prior::View& views, const at::Tensor& index) {
  return {.latents = views.latents.index_select(0, index),
          .frame = views.frame.index_select(0, index),
          .pose = views.pose.index_select(0, index)};
}

/// [F] int64: the key frame that each frame's hint is made from, as play would have it.
at::Tensor key_frames(const prior::CameraPrior& prior, const at::Tensor& poses) {
  std::vector<int64_t> keys = {0};
  for (int64_t k = 1; k < poses.size(0); ++k) {
    const int64_t key = keys.back();
    const bool is_stale =
        prior.is_key_stale(poses.narrow(0, key, 1), poses.narrow(0, k - 1, 1)).item<bool>();
    keys.push_back(is_stale ? k - 1 : key);
  }
  return at::tensor(keys, at::kLong);
}

}  // namespace

EncodedClip EncodedClip::read(const std::filesystem::path& file) {
  const nn::TensorMap tensors = nn::read_tensors(file);
  const auto get = [&](const char* name) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) {
      throw Error(ErrorCode::kFormat, "encoded clip '" + file.string() + "' has no tensor '" +
                                          name + "'; run mw data encode again");
    }
    return found->second;
  };
  EncodedClip clip{.latents = get("latents"),
                   .hints = get("hints"),
                   .mask = get("mask"),
                   .parallax = get("parallax"),
                   .classes = get("classes"),
                   .keyboard = get("keyboard"),
                   .mouse = get("mouse"),
                   .poses = get("poses"),
                   .caption = {}};
  const int64_t frames = clip.latents.size(0);
  for (const auto& [name, tensor] : tensors) {
    if (tensor.dim() == 0 || tensor.size(0) != frames) {
      throw Error(ErrorCode::kFormat, "encoded clip '" + file.string() + "': tensor '" + name +
                                          "' has another number of frames than 'latents'");
    }
  }
  const nn::Metadata metadata = nn::read_metadata(file);
  if (const auto found = metadata.find("caption"); found != metadata.end()) {
    clip.caption = found->second;
  }
  return clip;
}

void EncodedClip::write(const std::filesystem::path& file) const {
  nn::write_tensors(file,
                    {{"latents", latents},
                     {"hints", hints},
                     {"mask", mask},
                     {"parallax", parallax},
                     {"classes", classes},
                     {"keyboard", keyboard},
                     {"mouse", mouse},
                     {"poses", poses}},
                    {{"caption", caption}});
}

at::Tensor recorded_poses(const std::vector<data::FrameRow>& rows) {
  std::vector<prior::Motion> motions;
  for (const data::FrameRow& row : rows) {
    prior::Motion motion;
    motion.yaw = row.yaw;
    motion.pitch = row.pitch;
    motion.position = row.position;
    motions.push_back(motion);
  }
  return prior::poses_of(motions);
}

EncodedClip encode_clip(const data::Clip& clip, const vae::FrameVAE& vae,
                        const prior::CameraPrior& prior) {
  const at::NoGradGuard no_grad;
  const action::ActionTrack track = clip.actions();
  EncodedClip encoded;
  encoded.keyboard = rows_tensor(track.keyboard(), action::kNumKeys);
  encoded.mouse = rows_tensor(track.mouse(), action::kNumMouse);
  encoded.poses = recorded_poses(clip.rows());
  encoded.caption = clip.caption();
  const int64_t frames = clip.num_frames();

  const data::Frames recorded = clip.load_frames();
  const at::Tensor pixels =
      pixels_of(recorded, vae.dtype()).contiguous(at::MemoryFormat::ChannelsLast);
  std::vector<at::Tensor> latents, decoded;
  for (int64_t first = 0; first < frames; first += kBatch) {
    latents.push_back(vae.encode(pixels.narrow(0, first, std::min(kBatch, frames - first))));
    decoded.push_back(vae.decode(latents.back()));
  }
  const prior::View all{
      .latents = at::cat(latents), .frame = at::cat(decoded), .pose = encoded.poses};
  const at::Tensor keys = key_frames(prior, encoded.poses);

  const prior::Hint nothing = prior::CameraPrior::no_hint(all.latents.narrow(0, 0, 1));
  std::vector<at::Tensor> hints = {nothing.latents}, masks = {nothing.mask},
                          parallaxes = {nothing.parallax}, classes = {nothing.classes};
  for (int64_t first = 0; first + 1 < frames; first += kBatch) {
    const int64_t count = std::min(kBatch, frames - 1 - first);
    const prior::Hint hint = prior.hint(
        vae, views_at(all, at::arange(first, first + count, at::kLong)),
        views_at(all, keys.narrow(0, first + 1, count)), encoded.poses.narrow(0, first + 1, count));
    hints.push_back(hint.latents);
    masks.push_back(hint.mask);
    parallaxes.push_back(hint.parallax);
    classes.push_back(hint.classes);
  }
  encoded.latents = all.latents.to(at::kHalf);
  encoded.hints = at::cat(hints).to(at::kHalf);
  encoded.mask = at::cat(masks).to(at::kHalf);
  encoded.parallax = at::cat(parallaxes).to(at::kHalf);
  encoded.classes = at::cat(classes);
  return encoded;
}

}  // namespace mw::train
