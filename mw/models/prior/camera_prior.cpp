// SPDX-License-Identifier: Apache-2.0
#include "mw/models/prior/camera_prior.h"

#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/bucketize.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/pixel_unshuffle.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "mw/core/error.h"

namespace mw::prior {
namespace {

constexpr int64_t kStride = vae::FrameVAEConfig::kStride;

}  // namespace

at::Tensor poses_of(std::span<const Motion> motions) {
  at::Tensor poses = at::empty({static_cast<int64_t>(motions.size()), 5}, at::kDouble);
  double* row = poses.mutable_data_ptr<double>();
  for (const Motion& motion : motions) {
    *row++ = motion.yaw;
    *row++ = motion.pitch;
    for (const double coordinate : motion.position) *row++ = coordinate;
  }
  return poses;
}

at::Tensor motion_classes(const at::Tensor& before, const at::Tensor& after) {
  // Below these, in degrees and nodes, a picture of some hundred pixels does not change.
  const at::Tensor change = after.sub(before).abs();
  const at::Tensor turns = change.narrow(1, 0, 2).gt(1e-3).any(1).to(at::kLong);
  const at::Tensor steps = change.narrow(1, 2, 3).gt(2e-3).any(1).to(at::kLong);
  return at::where(steps.gt(0), steps.mul(static_cast<int64_t>(MotionClass::kWalk)), turns);
}

CameraPrior::CameraPrior(const CameraPriorConfig& config)
    : config_(config), motion_model_(config.motion) {
  MW_CHECK(config.walk_variances.size() == config.parallax_edges.size() + 1,
           "CameraPrior: wanted one walk variance more than parallax edges, got ",
           config.walk_variances.size(), " and ", config.parallax_edges.size());
}

CameraPrior CameraPrior::load(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder)) {
    CameraPriorConfig off;
    off.mode = Mode::kOff;
    return CameraPrior(off);
  }
  return CameraPrior(CameraPriorConfig::read(folder / "config.json"));
}

View View::where(const at::Tensor& is_kept, const View& other) const {
  const at::Tensor picture = is_kept.view({-1, 1, 1, 1});
  return {.latents = at::where(picture, latents, other.latents),
          .frame = at::where(picture, frame, other.frame),
          .pose = at::where(is_kept.unsqueeze(1), pose, other.pose)};
}

Hint CameraPrior::hint(const vae::FrameVAE& vae, const View& last, const View& key,
                       const at::Tensor& after) const {
  MW_CHECK(config_.mode != Mode::kOff, "CameraPrior: mode is off, there is no hint");
  const at::Tensor& latents = last.latents;
  const auto target = [&](const View& view) {
    return config_.mode == Mode::kRotation
               ? at::cat({after.narrow(1, 0, 2), view.pose.narrow(1, 2, 3)}, 1)
               : after;
  };
  const at::Tensor move = motion_classes(last.pose, target(last));
  const at::Tensor stands = move.eq(static_cast<int64_t>(MotionClass::kStill));
  const at::Tensor is_still = stands.to(latents.device()).view({-1, 1, 1, 1});
  Hint hint{.latents = latents.to(at::kFloat),
            .mask = at::ones_like(latents.narrow(1, 0, 4), at::kFloat),
            .variance = {},
            .parallax = at::zeros_like(latents.narrow(1, 0, 1), at::kFloat),
            .classes = move};
  if (!stands.all().item<bool>()) {
    ops::Reprojection moved = moved_view(vae, key, target(key));
    if (!key.pose.equal(last.pose)) {
      hint.classes =
          at::where(stands, move, at::maximum(move, motion_classes(key.pose, target(key))));
      const ops::Reprojection rest = moved_view(vae, last, target(last));
      const at::Tensor is_seen = moved.mask.gt(0);
      moved.frame = at::where(is_seen, moved.frame, rest.frame);
      moved.parallax = at::where(is_seen, moved.parallax, rest.parallax);
      moved.mask = at::maximum(moved.mask, rest.mask);
    }
    const at::Tensor encoded =
        vae.encode(moved.frame.clamp(-1, 1).to(latents.scalar_type())).to(at::kFloat);
    const at::Tensor quadrants =
        at::pixel_unshuffle(at::avg_pool2d(moved.mask, kStride / 2), 2);  // [B, 4, h, w]
    hint.latents = at::where(is_still, hint.latents, encoded);
    hint.mask = at::where(is_still, hint.mask, quadrants);
    hint.parallax = at::where(is_still, hint.parallax, at::avg_pool2d(moved.parallax, kStride));
  }
  hint.variance = variance(hint.classes, hint.mask, hint.parallax);
  return hint;
}

ops::Reprojection CameraPrior::moved_view(const vae::FrameVAE& vae, const View& view,
                                          const at::Tensor& target) const {
  return ops::reproject(view.frame.to(at::kFloat),
                        view.depth.defined() ? view.depth : depth_of(vae, view), view.pose, target,
                        {.focal = config_.focal, .eye_height = config_.eye_height});
}

at::Tensor CameraPrior::depth_of(const vae::FrameVAE& vae, const View& view) const {
  const bool uses_depth = config_.mode == Mode::kReprojection && vae.config().has_depth_head;
  return uses_depth ? vae.depth(view.latents).to(at::kFloat) : at::Tensor();
}

at::Tensor CameraPrior::is_key_stale(const at::Tensor& key_pose, const at::Tensor& pose) const {
  const at::Tensor change = pose.sub(key_pose);
  const at::Tensor yaw = change.select(1, 0).add(180).remainder(360).sub(180).abs();
  const at::Tensor walked = change.narrow(1, 2, 3).square().sum(1).sqrt();
  return yaw.ge(config_.key_turn)
      .logical_or(change.select(1, 1).abs().mul(2).ge(config_.key_turn))
      .logical_or(walked.ge(config_.key_distance));
}

at::Tensor CameraPrior::variance(const at::Tensor& classes, const at::Tensor& mask,
                                 const at::Tensor& parallax) const {
  const auto is_class = [&](MotionClass wanted) {
    return classes.eq(static_cast<int64_t>(wanted)).to(parallax.device()).view({-1, 1, 1, 1});
  };
  // Walking is the less certain the further a displacement moves the pixels of a cell.
  const at::Tensor distance = parallax.to(at::kFloat);
  const at::Tensor bins =
      at::bucketize(distance, at::tensor(config_.parallax_edges, distance.options()));
  const at::Tensor walk = at::tensor(config_.walk_variances, distance.options()).take(bins);
  const at::Tensor look = at::full_like(walk, config_.look_variance);
  const at::Tensor still = at::full_like(walk, config_.still_variance);
  const at::Tensor seen_variance = at::where(is_class(MotionClass::kWalk), walk,
                                             at::where(is_class(MotionClass::kLook), look, still));
  const at::Tensor seen = mask.to(at::kFloat).mean(at::IntArrayRef({1}), /*keepdim=*/true);
  return seen_variance.mul(seen).add(seen.neg().add(1), config_.unseen_variance);
}

Hint CameraPrior::no_hint(const at::Tensor& latents_like) {
  const at::Tensor zeros = at::zeros_like(latents_like, at::kFloat);
  return {.latents = zeros,
          .mask = zeros.narrow(1, 0, 4),
          .variance = at::ones_like(zeros.narrow(1, 0, 1)),
          .parallax = zeros.narrow(1, 0, 1),
          .classes = at::zeros({zeros.size(0)}, at::kLong)};
}

at::Tensor CameraPrior::condition_channels(const Hint& hint) {
  return at::cat({hint.mask, hint.latents}, 1);
}

}  // namespace mw::prior
