// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/world.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <array>
#include <deque>
#include <future>
#include <optional>
#include <utility>

#include "mw/core/error.h"
#include "mw/diffusion/linear_prior.h"
#include "mw/diffusion/sampler.h"
#include "mw/engine/embedded_model.h"
#include "mw/models/vae/pixels.h"
#include "mw/video/resize.h"

namespace mw::engine {

// Tensors are replaced, never written to, and so are the cache's pages: copies may share them. Only
// the generator has to be copied.
struct World::State {
  explicit State(wan::KVCache empty) : cache(std::move(empty)) {}

  bool is_started = false;
  at::Generator random = at::detail::createCPUGenerator(0);
  wan::KVCache cache;
  wan::Context context;
  prior::Motion motion;
  at::Tensor latents;                   // [1, 16, h, w], of the newest frame.
  at::Tensor pixels;                    // [1, 3, H, W] in [-1, 1], the same decoded.
  std::optional<prior::View> key_view;  // What hints are made from; none before the first step.
  video::Image first;
  std::vector<float> given_noise;
  int64_t frame_index = 0;          // Of the newest frame.
  std::deque<action::Action> rows;  // The newest ones, oldest first; still before the start.
};

struct World::Impl : World::State {
  Impl(std::shared_ptr<const EmbeddedModel> shared, const WorldOptions& world_options)
      : State(shared->transformer.make_cache()),
        options(world_options),
        shared_model(std::move(shared)),
        model(*shared_model),
        sampling(world_options.sampling.value_or(model.sampling)) {
    sampling.check("sampling");
  }

  bool uses_network() const { return options.mode == WorldMode::kFull; }

  video::Image start(const WorldStart& from);
  /// `recorded`: the frame as it was, or null for one of the model's.
  video::Image step(const action::Action& action, const video::Image* recorded);
  at::Tensor encode(const video::Image& image) const;

  /// Samples one frame's clean latents [1, 16, h, w] from its hint.
  at::Tensor sample(const prior::Hint& hint, const at::Tensor& features, int64_t steps);
  /// Makes the newest frame context, on a thread of its own: meanwhile that frame is decoded and
  /// shown, and the next one's hint is made. Whatever touches the cache waits for it.
  void commit(const prior::Hint& hint, const at::Tensor& features);
  void await_commit();
  at::Tensor velocity(const at::Tensor& xt, double sigma, const prior::Hint& hint,
                      const at::Tensor& features);
  at::Tensor features_of_recent_rows() const;
  at::Tensor noise();
  /// What the newest frame is made from: given or drawn.
  at::Tensor start_noise();
  std::vector<int64_t> latent_sizes() const {
    return {1, model.latent_channels(), model.height / 8, model.width / 8};
  }
  int64_t frame_values() const {
    return model.latent_channels() * (model.height / 8) * (model.width / 8);
  }
  /// Decodes the newest latents.
  void decode();

  WorldOptions options;
  std::shared_ptr<const EmbeddedModel> shared_model;
  const EmbeddedModel& model;
  SamplingConfig sampling;
  std::future<void> committing;  // Last: it ends before what it uses goes.
};

video::Image World::Impl::start(const WorldStart& from) {
  await_commit();
  random.set_current_seed(from.seed);
  cache = model.transformer.make_cache();
  context = model.context_of(from.caption);
  key_view.reset();
  motion = {};
  motion.pitch = from.pitch;
  rows.assign(static_cast<size_t>(model.history_rows() + 1), action::Action{});
  MW_CHECK(from.noise.size() % static_cast<size_t>(frame_values()) == 0, "world: noise of ",
           from.noise.size(), " values is no whole frames of ", frame_values());
  given_noise = from.noise;
  frame_index = 0;
  is_started = true;

  const at::Tensor features = uses_network() ? features_of_recent_rows() : at::Tensor();
  const prior::Hint nothing = prior::CameraPrior::no_hint(at::zeros(latent_sizes()));
  if (from.image) {
    latents = encode(*from.image);
  } else {
    MW_CHECK(uses_network(), "world: a baseline without a network needs a start image");
    latents = sample(nothing, features, sampling.first_frame_steps);
  }
  if (uses_network()) commit(nothing, features);
  decode();
  first = vae::to_image(pixels);
  MW_CHECK(from.image || from.recorded.empty(), "world: recorded frames follow no image");
  for (const RecordedFrame& frame : from.recorded) first = step(frame.action, &frame.image);
  return first;
}

at::Tensor World::Impl::encode(const video::Image& image) const {
  const video::Image fitting = video::crop_and_resize(image, model.width, model.height);
  return model.vae.encode(vae::to_pixels(fitting).to(model.dtype)).to(at::kFloat);
}

video::Image World::Impl::step(const action::Action& action, const video::Image* recorded) {
  MW_CHECK(is_started, "world: start it before the first step");
  action::check_action(action);
  if (options.mode == WorldMode::kRepeat && recorded == nullptr) return first;
  ++frame_index;
  rows.push_back(action);
  rows.pop_front();
  const prior::Motion before = motion;
  motion = model.prior.motion_model().next(before, action);
  const std::array<prior::Motion, 1> from = {before}, to = {motion};
  prior::Hint hint = prior::CameraPrior::no_hint(latents);
  const bool has_prior = model.prior.config().mode != prior::Mode::kOff;
  if (has_prior) {
    const prior::View last{.latents = latents.to(model.dtype),
                           .frame = pixels.to(model.dtype),
                           .pose = prior::poses_of(from)};
    if (!key_view || model.prior.is_key_stale(key_view->pose, last.pose).item<bool>()) {
      key_view = last;
      key_view->depth = model.prior.depth_of(model.vae, last);
    }
    hint = model.prior.hint(model.vae, last, *key_view, prior::poses_of(to));
  }
  if (uses_network()) {
    const at::Tensor features = features_of_recent_rows();
    await_commit();
    latents = recorded != nullptr ? encode(*recorded) : sample(hint, features, sampling.steps);
    commit(hint, features);
  } else if (recorded != nullptr) {
    latents = encode(*recorded);
  } else if (has_prior) {
    latents = hint.latents.to(at::kFloat);
  }
  decode();
  return vae::to_image(pixels);
}

at::Tensor World::Impl::sample(const prior::Hint& hint, const at::Tensor& features, int64_t steps) {
  const diffusion::Denoiser denoiser = [&](const at::Tensor& xt, double timestep) {
    return velocity(xt, timestep / 1000, hint, features);
  };
  const diffusion::NoiseSchedule schedule =
      diffusion::make_schedule(diffusion::Grid::kStream, steps, sampling.shift);
  return sampling.sampler == "euler"
             ? diffusion::sample_euler(denoiser, start_noise(), schedule)
             : diffusion::sample_consistency(denoiser, start_noise(), schedule, random);
}

at::Tensor World::Impl::velocity(const at::Tensor& xt, double sigma, const prior::Hint& hint,
                                 const at::Tensor& features) {
  const at::Tensor input =
      at::cat({xt, prior::CameraPrior::condition_channels(hint).to(at::kFloat)}, 1).unsqueeze(2);
  const at::Tensor learned =
      model.transformer.forward(input, at::full({1}, 1000 * sigma), context, features, &cache)
          .squeeze(2);
  return diffusion::correct_linear_prior(learned, xt, at::full({1}, sigma),
                                         hint.latents.to(at::kFloat), hint.variance.to(at::kFloat));
}

void World::Impl::commit(const prior::Hint& hint, const at::Tensor& features) {
  const double sigma = sampling.context_sigma;
  const at::Tensor noisy = latents.mul(1 - sigma).add(noise(), sigma);
  committing = std::async(std::launch::async, [this, noisy, sigma, hint, features] {
    const at::NoGradGuard no_grad;
    velocity(noisy, sigma, hint, features);
    model.transformer.commit(cache, model.frame_tokens());
  });
}

void World::Impl::await_commit() {
  if (committing.valid()) committing.get();
}

at::Tensor World::Impl::features_of_recent_rows() const {
  const auto count = static_cast<int64_t>(rows.size());
  const at::Tensor keyboard = at::zeros({1, count, action::kNumKeys});
  const at::Tensor mouse = at::zeros({1, count, action::kNumMouse});
  float* keys = keyboard.data_ptr<float>();
  float* turns = mouse.data_ptr<float>();
  for (const action::Action& row : rows) {
    for (const uint8_t key : row.keys) *keys++ = static_cast<float>(key);
    *turns++ = row.pitch;
    *turns++ = row.yaw;
  }
  // The rows before the newest are there for its window alone.
  return model.transformer.action_features(keyboard, mouse, count).narrow(1, count - 1, 1);
}

at::Tensor World::Impl::noise() {
  return at::randn(latent_sizes(), random, at::TensorOptions(at::kFloat));
}

at::Tensor World::Impl::start_noise() {
  const at::Tensor drawn = noise();  // Drawn even if not used, so that later draws are the same.
  const auto offset = static_cast<size_t>(frame_index * frame_values());
  if (offset >= given_noise.size()) return drawn;
  return at::from_blob(given_noise.data() + offset, latent_sizes(), at::TensorOptions(at::kFloat))
      .clone();
}

void World::Impl::decode() {
  pixels = model.vae.decode(latents.to(model.dtype)).to(at::kFloat).clamp(-1, 1);
}

World::World(const std::filesystem::path& model, const WorldOptions& options) {
  const at::NoGradGuard no_grad;
  impl_ = std::make_unique<Impl>(std::make_shared<const EmbeddedModel>(
                                     EmbeddedModel::load(model, options.dtype, options.mode)),
                                 options);
}
World::World(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
World::~World() = default;
World::World(World&&) noexcept = default;
World& World::operator=(World&&) noexcept = default;

video::Image World::start(const WorldStart& start) {
  const at::NoGradGuard no_grad;
  return impl_->start(start);
}

video::Image World::step(const action::Action& action) {
  const at::NoGradGuard no_grad;
  return impl_->step(action, nullptr);
}

World::Snapshot World::snapshot() const {
  MW_CHECK(impl_->is_started, "world: start it before a snapshot");
  impl_->await_commit();
  auto state = std::make_shared<State>(*impl_);
  state->random = impl_->random.clone();
  return state;
}

video::Image World::restore(const Snapshot& snapshot) {
  MW_CHECK(snapshot != nullptr, "world: no snapshot to go back to");
  impl_->await_commit();
  static_cast<State&>(*impl_) = *snapshot;
  impl_->random = snapshot->random.clone();
  return impl_->options.mode == WorldMode::kRepeat ? impl_->first : vae::to_image(impl_->pixels);
}

World World::sibling() const {
  return World(std::make_unique<Impl>(impl_->shared_model, impl_->options));
}

Pose World::pose() const {
  const prior::Motion& motion = impl_->motion;
  return {.pitch = motion.pitch, .yaw = motion.yaw, .position = motion.position};
}

std::vector<float> World::latent() const {
  MW_CHECK(impl_->latents.defined(), "world: no latent before the start");
  const at::Tensor flat = impl_->latents.to(at::kFloat).contiguous();
  const auto* data = flat.const_data_ptr<float>();
  return {data, data + flat.numel()};
}

std::array<int64_t, 3> World::latent_shape() const {
  const std::vector<int64_t> sizes = impl_->latent_sizes();
  return {sizes[1], sizes[2], sizes[3]};
}

const SamplingConfig& World::sampling() const { return impl_->sampling; }
bool World::reads_captions() const { return impl_->model.text_encoder.has_value(); }
int World::width() const { return impl_->model.width; }
int World::height() const { return impl_->model.height; }
double World::fps() const { return impl_->model.fps; }

}  // namespace mw::engine
