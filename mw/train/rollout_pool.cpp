// SPDX-License-Identifier: Apache-2.0
#include "mw/train/rollout_pool.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "mw/core/error.h"

namespace mw::train {
namespace {

const at::TensorOptions kLong(at::kLong);

/// Drops the oldest frame of [S, C, T, h, w] and adds one of [S, C, h, w].
at::Tensor pushed(const at::Tensor& frames, const at::Tensor& next) {
  return at::cat({frames.narrow(2, 1, frames.size(2) - 1), next.to(frames).unsqueeze(2)}, 2);
}

}  // namespace

RolloutPool::RolloutPool(const EncodedBank& bank, int64_t streams, int64_t frames, int64_t longest,
                         at::Generator& random)
    : bank_(bank),
      frames_(frames),
      longest_(longest),
      allowed_starts_(bank.window_starts(frames + longest)),
      starts_(at::zeros({streams}, kLong)),
      left_(at::zeros({streams}, kLong)) {
  MW_CHECK(streams > 0 && frames > 1 && longest > 0,
           "RolloutPool: wanted streams, two frames and a length, got ", streams, ", ", frames,
           ", ", longest);
  const WindowBatch any = bank.windows(starts_, frames);
  played_ = at::zeros_like(any.latents);
  hints_ = at::zeros_like(any.hints);
  mask_ = at::zeros_like(any.mask);
  parallax_ = at::zeros_like(any.parallax);
  classes_ = at::zeros_like(any.classes);
  key_poses_ = any.poses.select(1, 0).clone();
  key_latents_ = any.latents.select(2, 0).clone();
  restart(at::ones({streams}, at::kBool), random);
}

void RolloutPool::restart(const at::Tensor& which, at::Generator& random) {
  const int64_t streams = starts_.size(0);
  // Drawn for all, so that the random sequence does not depend on who restarts.
  const at::Tensor drawn = allowed_starts_.index_select(
      0, at::randint(allowed_starts_.size(0), {streams}, random, kLong));
  const at::Tensor lengths = at::randint(1, longest_ + 1, {streams}, random, kLong);
  const at::Tensor index = which.nonzero().squeeze(1);
  if (index.numel() == 0) return;
  starts_.index_copy_(0, index, drawn.index_select(0, index));
  left_.index_copy_(0, index, lengths.index_select(0, index));
  const WindowBatch fresh = bank_.windows(starts_.index_select(0, index), frames_);
  played_.index_copy_(0, index, fresh.latents);
  hints_.index_copy_(0, index, fresh.hints);
  mask_.index_copy_(0, index, fresh.mask);
  parallax_.index_copy_(0, index, fresh.parallax);
  classes_.index_copy_(0, index, fresh.classes);
  key_poses_.index_copy_(0, index, fresh.poses.select(1, frames_ - 1));
  key_latents_.index_copy_(0, index, fresh.latents.select(2, frames_ - 1));
}

WindowBatch RolloutPool::batch() const {
  WindowBatch batch = bank_.windows(starts_, frames_);
  batch.hints = hints_.clone();
  batch.mask = mask_.clone();
  batch.parallax = parallax_.clone();
  batch.classes = classes_.clone();
  return batch;
}

void RolloutPool::advance(const Velocity& velocity, const vae::FrameVAE& vae,
                          const prior::CameraPrior& prior, double context_sigma,
                          at::Generator& random) {
  const at::NoGradGuard no_grad;
  restart(left_.le(0), random);
  const int64_t last = frames_ - 1;
  starts_.add_(1);
  left_.sub_(1);
  const WindowBatch recorded = bank_.windows(starts_, frames_);
  const at::Tensor pose = recorded.poses.select(1, last - 1);
  const at::Tensor is_stale = prior.is_key_stale(key_poses_, pose);
  key_poses_ = at::where(is_stale.unsqueeze(1), pose, key_poses_);
  key_latents_ = at::where(is_stale.view({-1, 1, 1, 1}), played_.select(2, last), key_latents_);
  const auto view = [&](const at::Tensor& latents, const at::Tensor& at_pose) {
    const at::Tensor typed = latents.to(vae.dtype());
    return prior::View{.latents = typed, .frame = vae.decode(typed), .pose = at_pose};
  };
  const at::Tensor previous = played_.select(2, last);
  const prior::Hint hint = prior.hint(vae, view(previous, pose), view(key_latents_, key_poses_),
                                      recorded.poses.select(1, last));
  hints_ = pushed(hints_, hint.latents);
  mask_ = pushed(mask_, hint.mask);
  parallax_ = pushed(parallax_, hint.parallax);
  classes_ = at::cat({classes_.narrow(1, 1, last), hint.classes.unsqueeze(1)}, 1);
  played_ = pushed(played_, at::zeros_like(previous));  // Its noise level below is 1.

  at::Tensor sigma = at::full({starts_.size(0), frames_}, context_sigma, at::kFloat);
  sigma.select(1, last).fill_(1);
  const at::Tensor s = sigma.unsqueeze(1).unsqueeze(3).unsqueeze(4);
  const at::Tensor noise = at::randn(played_.sizes(), random, at::TensorOptions(at::kFloat));
  const at::Tensor noisy = played_.mul(s.neg().add(1)).add(noise.mul(s));
  const at::Tensor clean = noisy.sub(velocity(batch(), noisy, sigma));
  played_.select(2, last).copy_(clean.select(2, last));
}

nn::TensorMap RolloutPool::state() const {
  return {{"starts", starts_},   {"left", left_},           {"played", played_},
          {"hints", hints_},     {"mask", mask_},           {"parallax", parallax_},
          {"classes", classes_}, {"key_poses", key_poses_}, {"key_latents", key_latents_}};
}

void RolloutPool::load_state(const nn::TensorMap& state) {
  for (const auto& [name, mine] : this->state()) {
    const auto found = state.find(name);
    if (found == state.end() || found->second.sizes() != mine.sizes()) {
      throw Error(ErrorCode::kWeights, "checkpoint: no rollout state '" + name +
                                           "' of the right shape; it belongs to another run");
    }
    mine.copy_(found->second);
  }
}

}  // namespace mw::train
