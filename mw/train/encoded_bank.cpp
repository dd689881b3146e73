// SPDX-License-Identifier: Apache-2.0
#include "mw/train/encoded_bank.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include "mw/core/error.h"
#include "mw/data/dataset.h"

namespace mw::train {

EncodedBank::EncodedBank(const std::vector<EncodedClip>& clips) {
  MW_CHECK(!clips.empty(), "EncodedBank: wanted at least one clip");
  std::vector<at::Tensor> latents, hints, mask, parallax, classes, poses, keyboard, mouse, clip_of;
  for (const EncodedClip& clip : clips) {
    latents.push_back(clip.latents);
    hints.push_back(clip.hints);
    mask.push_back(clip.mask);
    parallax.push_back(clip.parallax);
    classes.push_back(clip.classes);
    poses.push_back(clip.poses);
    keyboard.push_back(at::zeros({kActionLead, clip.keyboard.size(1)}, at::kFloat));
    keyboard.push_back(clip.keyboard);
    mouse.push_back(at::zeros({kActionLead, clip.mouse.size(1)}, at::kFloat));
    mouse.push_back(clip.mouse);
    clip_of.push_back(at::full({clip.num_frames()}, num_clips(), at::kLong));
    lengths_.push_back(clip.num_frames());
    captions_.push_back(clip.caption);
  }
  latents_ = at::cat(latents);
  hints_ = at::cat(hints);
  mask_ = at::cat(mask);
  parallax_ = at::cat(parallax);
  classes_ = at::cat(classes);
  poses_ = at::cat(poses);
  keyboard_ = at::cat(keyboard);
  mouse_ = at::cat(mouse);
  clip_of_ = at::cat(clip_of);
}

EncodedBank EncodedBank::read(const std::filesystem::path& dataset, const std::string& split) {
  const data::Dataset source(dataset);
  std::vector<EncodedClip> clips;
  for (const std::string& id : source.split(split)) {
    const std::filesystem::path file = source.paths().encoded(id);
    if (std::filesystem::exists(file)) clips.push_back(EncodedClip::read(file));
  }
  MW_CHECK(!clips.empty(), "train: no clip of split '", split, "' in '", dataset.string(),
           "' is encoded; run mw data encode --data ", dataset.string(), " --vae DIR");
  return EncodedBank(clips);
}

WindowBatch EncodedBank::windows(const at::Tensor& starts, int64_t frames) const {
  const int64_t batch = starts.size(0);
  const at::Tensor offsets = at::arange(frames, at::kLong);
  const at::Tensor index = starts.unsqueeze(1).add(offsets).flatten();  // [B * T]
  const auto frames_of = [&](const at::Tensor& all) {  // [N, C, h, w] -> [B, C, T, h, w]
    return all.index_select(0, index).to(at::kFloat).unflatten(0, {batch, frames}).transpose(1, 2);
  };
  const at::Tensor clips = clip_of_.index_select(0, starts);
  // Frame i of clip c is row i + (c + 1) * lead of the padded rows, so its lead begins at
  // i + c * lead.
  const at::Tensor rows = starts.add(clips, kActionLead)
                              .unsqueeze(1)
                              .add(at::arange(kActionLead + frames, at::kLong))
                              .flatten();
  const auto rows_of = [&](const at::Tensor& all) {
    return all.index_select(0, rows).unflatten(0, {batch, kActionLead + frames});
  };
  const auto plain = [&](const at::Tensor& all) {
    return all.index_select(0, index).unflatten(0, {batch, frames});
  };
  return {.latents = frames_of(latents_),
          .hints = frames_of(hints_),
          .mask = frames_of(mask_),
          .parallax = frames_of(parallax_),
          .classes = plain(classes_),
          .keyboard = rows_of(keyboard_),
          .mouse = rows_of(mouse_),
          .poses = plain(poses_),
          .clips = clips,
          .tokens = tokens_.defined() ? tokens_.index_select(0, clips) : at::Tensor()};
}

at::Tensor EncodedBank::window_starts(int64_t frames) const {
  std::vector<at::Tensor> starts;
  int64_t first = 0;
  for (const int64_t length : lengths_) {
    if (length >= frames)
      starts.push_back(at::arange(first, first + length - frames + 1, at::kLong));
    first += length;
  }
  MW_CHECK(!starts.empty(), "train: no encoded clip is ", frames, " frames long");
  return at::cat(starts);
}

}  // namespace mw::train
