// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/pipeline.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>

#include <memory>
#include <utility>

#include "mw/core/error.h"

namespace mw::engine {
namespace {

using Stage = ClipProgress::Stage;

class Reporter {
 public:
  explicit Reporter(const ClipListener& listener) : listener_(listener) {}
  void operator()(Stage stage, int64_t done, int64_t total) const {
    if (listener_ && !listener_({.stage = stage, .done = done, .total = total})) {
      throw Error(ErrorCode::kCancelled, "generate: stopped; nothing was written");
    }
  }

 private:
  const ClipListener& listener_;
};

/// Rows of the prompts' real tokens, [1, S, D] each; the transformer fills up with zeros.
struct PromptEmbeddings {
  at::Tensor positive, negative;  // The second is undefined without guidance.
};

PromptEmbeddings encode_prompts(const ClipPlan& plan, PipelineParts& parts) {
  const text::Tokenizer tokenizer = parts.tokenizer();
  const text::UMT5Encoder encoder = parts.text_encoder();
  if (tokenizer.vocab_size() > encoder.config().vocab_size) {
    throw Error(ErrorCode::kConfig,
                concat_message("model '", plan.layout.root.string(), "': the tokenizer has ",
                               tokenizer.vocab_size(), " pieces, the text encoder knows ",
                               encoder.config().vocab_size));
  }
  const auto encode = [&](const std::string& prompt) {
    const text::TokenIds tokens = tokenizer.encode(prompt, plan.text_length);
    const at::Tensor ids = at::tensor(at::ArrayRef<int64_t>(tokens.ids), at::kLong);
    return encoder.forward(ids.narrow(0, 0, tokens.num_tokens()).unsqueeze(0));
  };
  PromptEmbeddings embeddings{.positive = encode(plan.prompt), .negative = {}};
  if (plan.guidance.is_on()) embeddings.negative = encode(plan.negative_prompt);
  return embeddings;
}

/// What a start image gives the denoiser.
struct ImageCondition {
  at::Tensor channels;      // [1, 4 + C, T, h, w] behind the noise, or undefined.
  at::Tensor first_latent;  // [1, C, 1, h, w] that is kept, or undefined.
};

ImageCondition encode_start(const ClipPlan& plan, PipelineParts& parts) {
  const at::Tensor first = start_pixels(*plan.image, plan.size, plan.image_rules);
  at::Tensor last;
  if (plan.last_image) last = start_pixels(*plan.last_image, plan.size, plan.image_rules);
  const vae::WanVAE vae = parts.vae();
  if (plan.keeps_first_latent) {
    return {.channels = {}, .first_latent = vae.encode(first.unsqueeze(2)).to(at::kFloat)};
  }
  const auto [channels, frames, height, width] = plan.latent_shape;
  const at::Tensor latents =
      vae.encode(condition_video(first, last, plan.num_frames)).to(at::kFloat);
  return {
      .channels = at::cat({given_frames_mask(frames, height, width, last.defined()), latents}, 1),
      .first_latent = {}};
}

/// What the image encoder says of the start image, or of the first and the last: [N, tokens, C].
at::Tensor encode_look(const ClipPlan& plan, PipelineParts& parts) {
  const clip::VisionEncoder encoder = parts.image_encoder();
  const auto look = [&](const video::Image& image) {
    return encoder.forward(
        clip_pixels(image, plan.size, encoder.config().image_size, plan.image_rules));
  };
  const at::Tensor first = look(*plan.image);
  return plan.last_image ? at::cat({first, look(*plan.last_image)}, 0) : first;
}

/// Values of [F, `width`] as a tensor [1, F, width].
at::Tensor rows_tensor(const std::vector<float>& values, int64_t width) {
  return at::tensor(at::ArrayRef<float>(values), at::kFloat).view({1, -1, width});
}

/// The transformer with all conditions of one clip, asked for a velocity at each step.
class ClipDenoiser {
 public:
  ClipDenoiser(const ClipPlan& plan, const PromptEmbeddings& prompts, const ImageCondition& image,
               const at::Tensor& image_tokens, PipelineParts& parts)
      : plan_(plan),
        image_(image),
        transformer_(parts.transformer()),
        after_block_(parts.after_block()) {
    positive_.context = transformer_.context(prompts.positive, image_tokens);
    if (plan.guidance.is_on()) {
      negative_.context = transformer_.context(prompts.negative, image_tokens);
    }
    if (plan.actions) {
      actions_ = transformer_.action_features(
          rows_tensor(plan.actions->keyboard(), action::kNumKeys),
          rows_tensor(plan.actions->mouse(), action::kNumMouse), plan.latent_shape[1]);
    }
    if (plan.tea_cache) tea_cache_.emplace(*plan.tea_cache);
  }

  /// x: [1, C, T, h, w]; `between` is called between the two passes of guidance.
  at::Tensor velocity(const at::Tensor& x, int64_t step, double timestep,
                      const std::function<void()>& between) {
    const at::Tensor input = image_.channels.defined() ? at::cat({x, image_.channels}, 1) : x;
    at::Tensor timesteps = at::full({1}, timestep);
    if (plan_.keeps_first_latent) {
      timesteps = at::full({1, x.size(2)}, timestep);
      timesteps.select(1, 0).fill_(0);  // The start frame is clean.
    }
    const bool is_reused =
        tea_cache_ && !tea_cache_->needs_blocks(transformer_.time_features(timesteps));
    const at::Tensor positive = pass(positive_, input, timesteps, is_reused);
    if (!plan_.guidance.is_on_at(step, plan_.steps)) return positive;
    between();
    const at::Tensor negative = pass(negative_, input, timesteps, is_reused);
    return diffusion::guided_velocity(positive, negative, plan_.guidance.scale);
  }

  int64_t reused_steps() const { return tea_cache_ ? tea_cache_->num_skipped() : 0; }

 private:
  struct Side {
    wan::Context context;
    wan::BlockReuse reuse;
  };

  at::Tensor pass(Side& side, const at::Tensor& input, const at::Tensor& timesteps,
                  bool is_reused) const {
    side.reuse.is_reused = is_reused;
    return transformer_.forward(input, timesteps, side.context, actions_, nullptr, after_block_,
                                tea_cache_ ? &side.reuse : nullptr);
  }

  const ClipPlan& plan_;
  const ImageCondition& image_;
  wan::Transformer transformer_;
  wan::LayerProbe after_block_;
  Side positive_, negative_;
  at::Tensor actions_;
  std::optional<diffusion::TeaCache> tea_cache_;
};

at::Tensor initial_noise(const ClipPlan& plan) {
  if (plan.noise.defined()) return plan.noise.to(at::kFloat);
  const auto [channels, frames, height, width] = plan.latent_shape;
  at::Generator random = at::detail::createCPUGenerator(plan.seed);
  return at::randn({1, channels, frames, height, width}, random, at::TensorOptions(at::kFloat));
}

/// From [-1, 1] to [0, 1].
at::Tensor to_unit(const at::Tensor& pixels) {
  return pixels.to(at::kFloat).mul(0.5).add(0.5).clamp(0, 1);
}

at::Tensor decode(const ClipPlan& plan, const at::Tensor& latents, PipelineParts& parts,
                  const Reporter& report) {
  const vae::WanVAE vae = parts.vae();
  if (plan.use_vae_tiling) {
    report(Stage::kDecode, 0, 1);
    return to_unit(vae.decode_in_tiles(latents));
  }
  vae::StreamCache cache;
  std::vector<at::Tensor> chunks;
  const int64_t frames = latents.size(2);
  for (int64_t i = 0; i < frames; ++i) {
    report(Stage::kDecode, i, frames);
    chunks.push_back(to_unit(vae.decode_chunk(latents.narrow(2, i, 1), cache)));
  }
  return at::cat(chunks, 2);
}

}  // namespace

GeneratedClip generate_clip(const ClipPlan& plan, PipelineParts& parts,
                            const ClipListener& listener) {
  const at::NoGradGuard no_grad;
  const Reporter report(listener);
  report(Stage::kText, 0, 1);
  const PromptEmbeddings prompts = encode_prompts(plan, parts);
  ImageCondition image;
  at::Tensor image_tokens;
  if (plan.image) {
    report(Stage::kImage, 0, 1);
    if (plan.uses_image_encoder) image_tokens = encode_look(plan, parts);
    image = encode_start(plan, parts);
  }

  GeneratedClip clip;
  {
    report(Stage::kLoad, 0, 1);
    ClipDenoiser denoiser(plan, prompts, image, image_tokens, parts);
    const std::unique_ptr<diffusion::Solver> solver = diffusion::make_solver(
        plan.sampler.solver, diffusion::make_schedule(plan.sampler.grid, plan.steps, plan.shift));
    at::Tensor x = initial_noise(plan);
    const auto keep_first = [&] {
      if (!image.first_latent.defined()) return;
      x = x.clone();
      x.narrow(2, 0, 1).copy_(image.first_latent);
    };
    keep_first();
    while (!solver->is_done()) {
      const int64_t step = solver->step_index();
      const auto report_step = [&] { report(Stage::kDenoise, step, plan.steps); };
      report_step();
      x = solver->step(x, denoiser.velocity(x, step, solver->timestep(), report_step));
      keep_first();
    }
    report(Stage::kDenoise, plan.steps, plan.steps);
    clip.latents = x;
    clip.reused_steps = denoiser.reused_steps();
  }
  clip.video = decode(plan, clip.latents, parts, report);
  return clip;
}

}  // namespace mw::engine
