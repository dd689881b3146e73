// SPDX-License-Identifier: Apache-2.0
#include "mw/train/base_objective.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "mw/core/error.h"
#include "mw/core/user_path.h"
#include "mw/data/dataset_info.h"
#include "mw/diffusion/linear_prior.h"
#include "mw/models/text/tokenizer.h"
#include "mw/train/caption_encoder.h"

namespace mw::train {
namespace {

constexpr std::array<const char*, prior::kNumMotionClasses> kClassNames = {"still", "look", "walk"};
constexpr uint64_t kValidationSeed = 20;
constexpr const char* kTextPrefix = "text_encoder.";
constexpr double kPlaySigma = 0.3;  // Noise level of context at play, as the export writes it.

nn::ParameterStore store_of(const BaseTrainingConfig& config, uint64_t seed) {
  if (config.init_from.empty()) return nn::ParameterStore::created(seed);
  nn::TensorMap tensors = nn::read_tensors(user_path(config.init_from) / "transformer");
  const std::filesystem::path text_folder = user_path(config.init_from) / "text_encoder";
  if (!config.tokenizer.empty() && std::filesystem::exists(text_folder)) {
    for (const auto& [name, tensor] : nn::read_tensors(text_folder)) {
      tensors.emplace(kTextPrefix + text::umt5_original_name(name), tensor);
    }
  }
  for (auto& [name, tensor] : tensors) tensor = tensor.to(at::kFloat).clone();
  nn::ParameterStore store(std::move(tensors));
  store.allow_creation(seed);  // A text encoder may join a model that began without one.
  return store;
}

/// [B, T] -> [B, 1, T, 1, 1]
at::Tensor over_latents(const at::Tensor& per_frame) {
  return per_frame.unsqueeze(1).unsqueeze(3).unsqueeze(4);
}

/// Frames [B, T] that are marked lose their hint.
void drop_hints(WindowBatch& batch, const at::Tensor& is_dropped) {
  const at::Tensor kept = over_latents(is_dropped.logical_not().to(at::kFloat));
  batch.hints = batch.hints.mul(kept);
  batch.mask = batch.mask.mul(kept);
}

/// Mean over the frames of a class [N] but the worst twentieth: now and then the world itself
/// changes while the camera stands.
double still_variance(const at::Tensor& errors, const at::Tensor& is_chosen, double otherwise) {
  const at::Tensor chosen = std::get<0>(errors.masked_select(is_chosen).sort());
  if (chosen.numel() == 0) return otherwise;
  const int64_t kept = std::max<int64_t>(1, chosen.numel() * 19 / 20);
  return std::max(1e-3, chosen.narrow(0, 0, kept).mean().item<double>());
}

}  // namespace

wan::WanConfig base_model_config(const BaseTrainingConfig& config) {
  wan::WanConfig model;
  model.dim = config.dim;
  model.ffn_dim = config.ffn_dim;
  model.num_heads = config.num_heads;
  model.num_layers = config.num_layers;
  model.in_dim = 36;
  model.out_dim = 16;
  model.text_dim = config.text_dim;
  model.text_len = config.text_len;
  model.action_dim = config.action_dim;
  model.action_temporal_ratio = 1;
  model.action_relative_positions = true;
  model.is_causal = true;
  model.window_frames = config.window_frames;
  model.zero_init = true;
  return model;
}

BaseObjective::BaseObjective(const BaseTrainingConfig& config, EncodedBank train,
                             EncodedBank validation, prior::CameraPriorConfig prior, uint64_t seed)
    : config_(config),
      train_(std::move(train)),
      validation_(std::move(validation)),
      prior_(prior),
      train_starts_(train_.window_starts(config.frames)),
      store_(store_of(config, seed)),
      model_(base_model_config(config), nn::WeightScope(store_)) {
  MW_CHECK(config.rollout_streams <= config.batch, "config: rollout_streams ",
           config.rollout_streams, " is more than the batch of ", config.batch);
  if (!config.tokenizer.empty()) {
    const std::filesystem::path tokenizer = user_path(config.tokenizer);
    train_.set_tokens(caption_tokens(tokenizer, train_.captions(), config.text_len));
    validation_.set_tokens(caption_tokens(tokenizer, validation_.captions(), config.text_len));
    text_encoder_.emplace(
        caption_encoder_config(text::Tokenizer(tokenizer).vocab_size(), config.text_dim),
        nn::WeightScope(store_) / "text_encoder");
  }
  if (config.rollout_streams > 0) {
    vae_.emplace(vae::FrameVAE::load(
        data::DatasetPaths{user_path(config.data)}.encoded_folder() / "vae", at::kBFloat16));
  }
}

bool BaseObjective::is_block_matrix(const std::string& name) const {
  const bool is_in_block = name.starts_with("blocks.");
  const bool is_modulation = name.find("odulation") != std::string::npos;
  return is_in_block && !is_modulation && store_.tensors().at(name).dim() == 2;
}

at::Tensor BaseObjective::velocity(const WindowBatch& batch, const at::Tensor& noisy,
                                   const at::Tensor& sigma) const {
  const int64_t frames = noisy.size(2), lead = EncodedBank::kActionLead;
  const at::Tensor features =
      model_.action_features(batch.keyboard, batch.mouse, lead + frames).narrow(1, lead, frames);
  const wan::Context context =
      model_.context(text_encoder_ ? encode_captions(*text_encoder_, batch.tokens)
                                   : at::zeros({1, 1, model_.config().text_dim}, at::kFloat));
  const at::Tensor network = model_.forward(at::cat({noisy, batch.mask, batch.hints}, 1),
                                            sigma.mul(1000), context, features);

  const auto flat = [](const at::Tensor& x) { return x.transpose(1, 2).flatten(0, 1); };
  const at::Tensor seen =
      prior_.variance(batch.classes.flatten(), flat(batch.mask), flat(batch.parallax))
          .unflatten(0, {noisy.size(0), frames})
          .transpose(1, 2);
  // Without any hint the latents are what they are over the whole data set: of variance 1.
  const at::Tensor has_hint = batch.mask.sum(at::IntArrayRef({1, 3, 4}), true).gt(0);
  const at::Tensor variance = at::where(has_hint, seen, at::ones_like(seen));
  return diffusion::correct_linear_prior(network.mul(config_.correction), noisy,
                                         over_latents(sigma), batch.hints, variance);
}

BaseObjective::Lesson BaseObjective::draw_recorded(int64_t windows, at::Generator& random) const {
  const auto floats = at::TensorOptions(at::kFloat);
  const std::vector<int64_t> per_frame = {windows, config_.frames};
  const at::Tensor drawn = at::randint(train_starts_.size(0), {windows}, random, at::kLong);
  Lesson lesson{.batch = train_.windows(train_starts_.index_select(0, drawn), config_.frames),
                .context = {},
                .is_context = at::rand(per_frame, random, floats).lt(config_.context_probability),
                .is_learnt = at::ones(per_frame, floats)};
  lesson.context = lesson.batch.latents;
  // A world begins without a past: its first frame has no hint and must be made from noise.
  at::Tensor is_dropped = at::rand(per_frame, random, floats).lt(config_.hint_dropout);
  const at::Tensor begins = at::rand({windows}, random, floats).lt(config_.start_probability);
  is_dropped.select(1, 0).logical_or_(begins);
  drop_hints(lesson.batch, is_dropped);
  return lesson;
}

BaseObjective::Lesson BaseObjective::draw_played(at::Generator& random) {
  const auto floats = at::TensorOptions(at::kFloat);
  pool_->advance([&](const WindowBatch& batch, const at::Tensor& noisy,
                     const at::Tensor& sigma) { return velocity(batch, noisy, sigma); },
                 *vae_, prior_, kPlaySigma, random);
  const WindowBatch batch = pool_->batch();
  at::Tensor is_context = at::rand({config_.rollout_streams, config_.frames}, random, floats)
                              .lt(config_.rollout_context_probability);
  is_context.select(1, config_.frames - 1).fill_(false);
  // Context is what was played, whose errors nobody asks to keep; the rest is to become what was
  // recorded.
  return {.batch = batch,
          .context = pool_->played(),
          .is_context = is_context,
          .is_learnt = is_context.logical_not().to(at::kFloat)};
}

at::Tensor BaseObjective::loss(int64_t /*step*/, at::Generator& random, Scalars& figures) {
  const auto floats = at::TensorOptions(at::kFloat);
  if (config_.rollout_streams > 0 && !pool_) {
    pool_.emplace(train_, config_.rollout_streams, config_.frames, config_.rollout_frames, random);
  }
  std::vector<Lesson> lessons;
  if (config_.batch > config_.rollout_streams) {
    lessons.push_back(draw_recorded(config_.batch - config_.rollout_streams, random));
  }
  if (pool_) lessons.push_back(draw_played(random));

  at::Tensor total, count;
  for (Lesson& lesson : lessons) {
    WindowBatch& batch = lesson.batch;
    if (text_encoder_) {  // Some windows are told nothing: the end token alone.
      const at::Tensor is_mute =
          at::rand({batch.tokens.size(0), 1}, random, floats).lt(config_.text_dropout);
      at::Tensor nothing = at::zeros_like(batch.tokens);
      nothing.select(1, 0).fill_(text::Tokenizer::kEnd);
      batch.tokens = at::where(is_mute, nothing, batch.tokens);
    }
    const at::IntArrayRef per_frame = lesson.is_learnt.sizes();
    const at::Tensor u = at::randn(per_frame, random, floats).mul(config_.sigma_spread).sigmoid();
    const at::Tensor noisy_sigma = u.mul(config_.shift).div(u.mul(config_.shift - 1).add(1));
    const at::Tensor context_sigma = at::rand(per_frame, random, floats).mul(config_.context_sigma);
    const at::Tensor sigma = at::where(lesson.is_context, context_sigma, noisy_sigma);

    const at::Tensor strength =
        over_latents(at::rand(per_frame, random, floats).mul(config_.hint_noise));
    const at::Tensor has_hint = batch.mask.sum(at::IntArrayRef({1, 3, 4}), true).gt(0);
    batch.hints =
        batch.hints.add(at::randn(batch.hints.sizes(), random, floats).mul(strength).mul(has_hint));

    const at::Tensor noise = at::randn(batch.latents.sizes(), random, floats);
    const at::Tensor s = over_latents(sigma);
    const at::Tensor clean =
        at::where(over_latents(lesson.is_context), lesson.context, batch.latents);
    const at::Tensor noisy = clean.mul(s.neg().add(1)).add(noise.mul(s));
    const at::Tensor error = velocity(batch, noisy, sigma).sub(noise.sub(clean)).square();
    const at::Tensor per_frame_error = error.mean(at::IntArrayRef({1, 3, 4}));  // [B, T]
    const at::Tensor sum = per_frame_error.mul(lesson.is_learnt).sum();
    if (config_.rollout_streams > 0) {
      figures[&lesson == &lessons.back() ? "loss_played" : "loss_recorded"] =
          sum.div(lesson.is_learnt.sum()).item<double>();
    }
    total = total.defined() ? total.add(sum) : sum;
    count = count.defined() ? count.add(lesson.is_learnt.sum()) : lesson.is_learnt.sum();
  }
  return total.div(count);
}

nn::TensorMap BaseObjective::state() const { return pool_ ? pool_->state() : nn::TensorMap(); }

void BaseObjective::load_state(const nn::TensorMap& state) {
  if (config_.rollout_streams == 0 || state.empty()) return;
  at::Generator random = at::make_generator<at::CPUGeneratorImpl>(kValidationSeed);
  pool_.emplace(train_, config_.rollout_streams, config_.frames, config_.rollout_frames, random);
  pool_->load_state(state);
}

Scalars BaseObjective::validate() {
  at::Generator random = at::make_generator<at::CPUGeneratorImpl>(kValidationSeed);
  const auto floats = at::TensorOptions(at::kFloat);
  const int64_t frames = config_.frames + 1;
  const at::Tensor starts = validation_.window_starts(frames);
  const at::Tensor last_class = validation_.classes().index_select(0, starts.add(frames - 1));
  Scalars figures;
  double sum = 0, prior_sum = 0;
  int64_t num_classes = 0;
  for (int64_t c = 0; c < prior::kNumMotionClasses; ++c) {
    const at::Tensor of_class = starts.masked_select(last_class.eq(c));
    const int64_t available = of_class.size(0);
    const int64_t count = std::min(config_.validation_windows, available);
    if (count == 0) continue;
    double error = 0, prior_error = 0, repeat_error = 0;
    constexpr int64_t kBatch = 10;
    for (int64_t first = 0; first < count; first += kBatch) {
      const int64_t size = std::min(kBatch, count - first);
      // Evenly over all windows of the class, whatever their number.
      const at::Tensor pick =
          at::arange(first, first + size, at::kLong).mul(available).div(count, "floor");
      WindowBatch batch = validation_.windows(of_class.index_select(0, pick), frames);
      at::Tensor sigma = at::full({size, frames}, kPlaySigma, floats);
      sigma.select(1, frames - 1).fill_(1);
      const at::Tensor s = over_latents(sigma);
      const at::Tensor noise = at::randn(batch.latents.sizes(), random, floats);
      const at::Tensor noisy = batch.latents.mul(s.neg().add(1)).add(noise.mul(s));
      const at::Tensor clean = noisy.sub(velocity(batch, noisy, sigma)).select(2, frames - 1);
      const at::Tensor wanted = batch.latents.select(2, frames - 1);
      const double weight = static_cast<double>(size) / static_cast<double>(count);
      error += weight * at::mse_loss(clean, wanted).item<double>();
      prior_error +=
          weight * at::mse_loss(batch.hints.select(2, frames - 1), wanted).item<double>();
      repeat_error +=
          weight * at::mse_loss(batch.latents.select(2, frames - 2), wanted).item<double>();
    }
    const std::string name = kClassNames[static_cast<size_t>(c)];
    figures[name] = error;
    figures[name + "_prior"] = prior_error;
    figures[name + "_repeat"] = repeat_error;
    sum += error;
    prior_sum += prior_error;
    ++num_classes;
  }
  if (num_classes > 0) {
    figures["error"] = sum / static_cast<double>(num_classes);
    figures["error_prior"] = prior_sum / static_cast<double>(num_classes);
  }
  return figures;
}

prior::CameraPriorConfig with_measured_variances(prior::CameraPriorConfig config,
                                                 const EncodedBank& bank) {
  const at::Tensor seen = bank.mask().to(at::kFloat).mean(at::IntArrayRef({1}));  // [N, h, w]
  const at::Tensor error = bank.latents()
                               .to(at::kFloat)
                               .sub(bank.hints().to(at::kFloat))
                               .square()
                               .mean(at::IntArrayRef({1}));
  const at::Tensor parallax = bank.parallax().to(at::kFloat).squeeze(1);
  const at::Tensor has_hint =
      bank.mask().to(at::kFloat).sum(at::IntArrayRef({1, 2, 3})).gt(0).view({-1, 1, 1});
  const auto mean_over = [&](const at::Tensor& where, double otherwise) {
    const at::Tensor chosen = error.masked_select(where);
    return chosen.numel() == 0 ? otherwise : std::max(1e-3, chosen.mean().item<double>());
  };
  const auto of_class = [&](prior::MotionClass wanted) {
    return bank.classes()
        .eq(static_cast<int64_t>(wanted))
        .view({-1, 1, 1})
        .logical_and(has_hint)
        .expand_as(error);
  };
  const at::Tensor is_seen = seen.gt(0.99), is_unseen = seen.lt(0.01).logical_and(has_hint);
  config.still_variance = still_variance(
      error.mean(at::IntArrayRef({1, 2})),
      of_class(prior::MotionClass::kStill).select(2, 0).select(1, 0), config.still_variance);
  config.look_variance =
      mean_over(of_class(prior::MotionClass::kLook).logical_and(is_seen), config.look_variance);
  config.unseen_variance = mean_over(is_unseen, config.unseen_variance);
  const at::Tensor walk = of_class(prior::MotionClass::kWalk).logical_and(is_seen);
  for (size_t i = 0; i < config.walk_variances.size(); ++i) {
    at::Tensor in_bin = walk;
    if (i > 0) in_bin = in_bin.logical_and(parallax.gt(config.parallax_edges[i - 1]));
    if (i < config.parallax_edges.size()) {
      in_bin = in_bin.logical_and(parallax.le(config.parallax_edges[i]));
    }
    config.walk_variances[i] = mean_over(in_bin, config.walk_variances[i]);
  }
  return config;
}

}  // namespace mw::train
