// SPDX-License-Identifier: Apache-2.0
#include "mw/models/wan/transformer.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/silu.h>

#include <cmath>
#include <numeric>
#include <utility>

#include "mw/core/error.h"
#include "mw/ops/modulate.h"
#include "mw/ops/timestep_embedding.h"

namespace mw::wan {
namespace {

constexpr double kImageEps = 1e-5;  // The image embedding keeps torch's default, unlike the rest.

const WanConfig& checked(const WanConfig& config) {
  config.check("transformer config");
  return config;
}

std::optional<nn::Init> head_init(const WanConfig& config) {
  return config.zero_init ? std::optional(nn::Init::zeros()) : std::nullopt;
}

}  // namespace

Transformer::Transformer(const WanConfig& config, const nn::WeightScope& weights)
    : config_(checked(config)),
      patch_weight_(weights.tensor("patch_embedding.weight", {config.dim, config.in_dim, 1, 2, 2},
                                   nn::Init::fan_in(4 * config.in_dim))),
      patch_bias_(weights.tensor("patch_embedding.bias", {config.dim}, nn::Init::zeros())),
      text_in_(weights / "text_embedding" / 0, config.text_dim, config.dim),
      text_out_(weights / "text_embedding" / 2, config.dim, config.dim),
      time_in_(weights / "time_embedding" / 0, config.freq_dim, config.dim),
      time_out_(weights / "time_embedding" / 2, config.dim, config.dim),
      time_projection_(weights / "time_projection" / 1, config.dim, 6 * config.dim),
      head_(weights / "head" / "head", config.dim, 4 * config.out_dim, true, head_init(config)),
      head_modulation_(
          weights.tensor("head.modulation", {1, 2, config.dim},
                         nn::Init::normal(1 / std::sqrt(static_cast<double>(config.dim))))) {
  for (int64_t i = 0; i < config.num_layers; ++i) {
    blocks_.emplace_back(config, weights / "blocks" / i);
  }
  if (config.image_dim > 0) {
    const nn::WeightScope scope = weights / "img_emb" / "proj";
    image_embedding_.emplace(
        ImageEmbedding{.norm_in = nn::LayerNorm(scope / 0, config.image_dim, kImageEps, true),
                       .in = nn::Linear(scope / 1, config.image_dim, config.image_dim),
                       .out = nn::Linear(scope / 3, config.image_dim, config.dim),
                       .norm_out = nn::LayerNorm(scope / 4, config.dim, kImageEps, true),
                       .positions = {}});
    if (config.image_positions > 0) {
      image_embedding_->positions = weights.tensor(
          "img_emb.emb_pos", {1, config.image_positions, config.image_dim}, nn::Init::zeros());
    }
  }
  if (config.has_actions()) action_module_.emplace(config, weights / "action_preprocess");
  if (config.has_control_branch()) control_.emplace(config, weights / "action_blocks");
}

Context Transformer::context(const at::Tensor& text, const at::Tensor& image) const {
  MW_CHECK(text.dim() == 3 && text.size(1) <= config_.text_len && text.size(2) == config_.text_dim,
           "transformer: text must be [B, up to ", config_.text_len, ", ", config_.text_dim,
           "], got ", text.sizes());
  const at::ScalarType dtype = text_in_.weight().scalar_type();
  // Zero rows become a constant through the biases and take part in attention: not masked, on
  // purpose.
  const at::Tensor padded =
      at::constant_pad_nd(text.to(dtype), {0, 0, 0, config_.text_len - text.size(1)});
  const at::Tensor rows = text_out_.forward(at::gelu(text_in_.forward(padded), "tanh"));
  at::Tensor image_rows;
  if (image.defined()) {
    MW_CHECK(image_embedding_.has_value(), "transformer: this model takes no image context");
    const ImageEmbedding& e = *image_embedding_;
    const bool is_pair =
        e.positions.defined() && image.dim() == 3 && image.size(0) == 2 * text.size(0);
    at::Tensor tokens = is_pair ? image.unflatten(0, {-1, 2}).flatten(1, 2) : image;
    MW_CHECK(
        tokens.dim() == 3 && tokens.size(0) == text.size(0) && tokens.size(2) == config_.image_dim,
        "transformer: image must be [", text.size(0), ", 257, ", config_.image_dim, "], got ",
        image.sizes());
    if (e.positions.defined()) {
      MW_CHECK(tokens.size(1) == config_.image_positions, "transformer: image must be [",
               2 * text.size(0), ", ", config_.image_positions / 2, ", ", config_.image_dim,
               "], the first and the last frame, got ", image.sizes());
      tokens = tokens.to(dtype).add(e.positions.to(dtype));
    }
    image_rows = e.norm_out.forward(
        e.out.forward(at::gelu(e.in.forward(e.norm_in.forward(tokens.to(dtype))))));
  }
  Context context;
  for (const DiTBlock& block : blocks_) {
    context.keys.push_back(block.context_keys(rows, image_rows));
  }
  if (control_) context.control_keys = control_->context_keys(rows, image_rows);
  return context;
}

at::Tensor Transformer::action_features(const at::Tensor& keyboard, const at::Tensor& mouse,
                                        int64_t num_latent_frames) const {
  MW_CHECK(action_module_.has_value(), "transformer: this model takes no actions");
  return action_module_->forward(keyboard, mouse, num_latent_frames);
}

at::Tensor Transformer::forward(const at::Tensor& latents, const at::Tensor& timesteps,
                                const Context& context, const at::Tensor& actions, KVCache* cache,
                                const LayerProbe& probe, BlockReuse* reuse) const {
  MW_CHECK(latents.dim() == 5 && latents.size(1) == config_.in_dim && latents.size(3) % 2 == 0 &&
               latents.size(4) % 2 == 0,
           "transformer: latents must be [B, ", config_.in_dim,
           ", F, h, w] with h and w even, got ", latents.sizes());
  MW_CHECK(cache == nullptr || config_.is_causal, "transformer: only causal models take a cache");
  MW_CHECK(reuse == nullptr || cache == nullptr,
           "transformer: blocks with a cache have to run, nothing can be reused");
  const int64_t batch = latents.size(0), frames = latents.size(2);
  const int64_t rows = latents.size(3) / 2, columns = latents.size(4) / 2;
  const int64_t frame_tokens = rows * columns;
  MW_CHECK((timesteps.dim() == 1 || (timesteps.dim() == 2 && timesteps.size(1) == frames)) &&
               timesteps.size(0) == batch,
           "transformer: timesteps must be [", batch, "] or [", batch, ", ", frames, "], got ",
           timesteps.sizes());
  MW_CHECK(
      !actions.defined() || (config_.has_actions() && actions.dim() == 3 &&
                             (actions.size(0) == 1 || actions.size(0) == batch) &&
                             actions.size(1) == frames && actions.size(2) == config_.action_dim),
      "transformer: actions must be [", batch, ", ", frames, ", ", config_.action_dim, "], got ",
      actions.sizes());

  // [B, C, F, gh, 2, gw, 2] -> [B, F*gh*gw, C*4]: a convolution whose kernel is its stride.
  const at::ScalarType dtype = patch_weight_.scalar_type();
  const at::Tensor patches = latents.to(dtype)
                                 .unflatten(4, {columns, 2})
                                 .unflatten(3, {rows, 2})
                                 .permute({0, 2, 3, 5, 1, 4, 6})
                                 .flatten(4)
                                 .flatten(1, 3);
  at::Tensor x = at::linear(patches, patch_weight_.flatten(1), patch_bias_).to(at::kFloat);
  if (probe) probe(-1, x);

  const at::Tensor e = time_embedding(timesteps);
  if (reuse != nullptr && reuse->is_reused) {
    MW_CHECK(reuse->residual.defined() && reuse->residual.sizes() == x.sizes(),
             "transformer: a residual of these sizes must have been computed before, wanted ",
             x.sizes());
    x = x.add(reuse->residual);
  } else {
    std::vector<int64_t> positions(
        static_cast<size_t>(frames + (cache != nullptr ? cache->num_frames() : 0)));
    std::iota(positions.begin(), positions.end(), 0);
    const auto rope = ops::RopeTable::for_video(config_.head_dim(), positions, rows, columns);
    const at::Tensor before = reuse != nullptr ? x : at::Tensor();
    x = run_blocks(std::move(x), projected(e), actions, rope, context, frame_tokens, cache, probe);
    if (reuse != nullptr) reuse->residual = x.sub(before);
  }

  const at::Tensor modulation = e.unsqueeze(2).add(head_modulation_.to(at::kFloat).unsqueeze(0));
  const at::Tensor out =
      head_.forward(ops::modulated_norm(x, modulation.select(2, 0), modulation.select(2, 1),
                                        frame_tokens, config_.eps, head_.compute_dtype()));
  // Channels are the fastest axis: [B, F, gh, gw, 2, 2, out] -> [B, out, F, 2 gh, 2 gw].
  return out.to(at::kFloat)
      .view({batch, frames, rows, columns, 2, 2, config_.out_dim})
      .permute({0, 6, 1, 2, 4, 3, 5})
      .reshape({batch, config_.out_dim, frames, 2 * rows, 2 * columns});
}

at::Tensor Transformer::time_embedding(const at::Tensor& timesteps) const {
  const at::Tensor per_frame = timesteps.dim() == 1 ? timesteps.unsqueeze(1) : timesteps;
  const at::Tensor sinusoid =
      ops::timestep_embedding(per_frame, config_.freq_dim,
                              config_.naming == Naming::kDiffusers ? ops::AnglePrecision::kFloat
                                                                   : ops::AnglePrecision::kDouble);
  return time_out_.forward_in_float(at::silu(time_in_.forward_in_float(sinusoid)));
}

at::Tensor Transformer::projected(const at::Tensor& time_embedding) const {
  const at::Tensor active = at::silu(time_embedding);
  // diffusers runs this layer in the model's dtype, the original in float32.
  const at::Tensor out = config_.naming == Naming::kDiffusers
                             ? time_projection_.forward(active.to(time_projection_.compute_dtype()))
                             : time_projection_.forward_in_float(active);
  return out.unflatten(2, {6, config_.dim}).to(at::kFloat);
}

at::Tensor Transformer::time_features(const at::Tensor& timesteps) const {
  MW_CHECK(timesteps.dim() == 1 || timesteps.dim() == 2,
           "transformer: timesteps must be [B] or [B, F], got ", timesteps.sizes());
  return projected(time_embedding(timesteps));
}

at::Tensor Transformer::run_blocks(at::Tensor x, const at::Tensor& time, const at::Tensor& actions,
                                   const ops::RopeTable& rope, const Context& context,
                                   int64_t frame_tokens, KVCache* cache,
                                   const LayerProbe& probe) const {
  at::Tensor modulating, control;
  if (actions.defined() && control_) {
    control = control_->start(x, actions, frame_tokens);
  } else if (actions.defined()) {
    modulating = at::silu(actions.to(patch_weight_.scalar_type()));
  }
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const auto layer = static_cast<int64_t>(i);
    x = blocks_[i].forward(x, time, modulating, rope, context.keys.at(i), frame_tokens,
                           cache != nullptr ? &cache->layer(layer) : nullptr);
    const auto index = control.defined() ? control_->block_of(layer) : std::nullopt;
    if (index) {
      control = control_->advance(*index, control, time, rope, context.control_keys.at(*index),
                                  frame_tokens);
      x = x.add(control_->hint(*index, control), context.control_scale);
    }
    if (probe) probe(layer, x);
  }
  return x;
}

void Transformer::commit(KVCache& cache, int64_t frame_tokens) const {
  std::optional<int64_t> keep;
  if (config_.window_frames > 0) keep = config_.window_frames - config_.chunk_frames;
  for (int64_t i = 0; i < config_.num_layers; ++i) {
    cache.layer(i).commit(frame_tokens, config_.sink_frames, keep);
  }
}

}  // namespace mw::wan
